//! The tree of a document.

/// A node with what the source said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What the node holds.
    pub content: Content,
    /// The type that the source gave or that the text resolved to when read.
    pub tag: Tag,
    /// How the node was written.
    pub style: Style,
    /// The line in the source, counted from 1; 0 for nodes made by a program.
    pub line: u32,
    /// Nodes of one number other than 0 are meant to have one value; it is kept by copies and decides nothing here.
    pub link: u32,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text that the tag and the style give a meaning.
    Scalar(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the source. Keys may repeat.
    Mapping(Vec<(Node, Node)>),
}

/// A node's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    /// None given: the text decides when it is read again.
    #[default]
    Unset,
    /// Null.
    Null,
    /// A boolean.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A string.
    Str,
    /// A date or a time.
    Timestamp,
    /// Base64.
    Binary,
    /// The merge key `<<`.
    Merge,
    /// A list.
    Seq,
    /// A mapping.
    Map,
    /// An application's own tag.
    Custom,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; for collections in lines of their own.
    #[default]
    Plain,
    /// A collection in brackets.
    Flow,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// A literal block.
    Literal,
    /// A folded block.
    Folded,
}

impl Node {
    /// A scalar of `tag` without quotes.
    pub fn scalar(text: impl Into<String>, tag: Tag) -> Self {
        Self { content: Content::Scalar(text.into()), tag, style: Style::Plain, line: 0, link: 0 }
    }

    /// A string.
    pub fn string(text: impl Into<String>) -> Self {
        Self::scalar(text, Tag::Str)
    }

    /// A list of `items`.
    pub fn sequence(items: Vec<Node>) -> Self {
        Self { content: Content::Sequence(items), tag: Tag::Seq, style: Style::Plain, line: 0, link: 0 }
    }

    /// A mapping of `entries`.
    pub fn mapping(entries: Vec<(Node, Node)>) -> Self {
        Self { content: Content::Mapping(entries), tag: Tag::Map, style: Style::Plain, line: 0, link: 0 }
    }

    /// The null value.
    pub fn null() -> Self {
        Self::scalar("null", Tag::Null)
    }

    /// The text of a scalar, whatever its type.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(_) | Content::Mapping(_) => None,
        }
    }

    /// The items of a list, to change.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(_) | Content::Mapping(_) => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.content {
            Content::Mapping(entries) => Some(entries),
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }

    /// The entries of a mapping, to change.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Node, Node)>> {
        match &mut self.content {
            Content::Mapping(entries) => Some(entries),
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }

    /// The value of a mapping's first entry with `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The same, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries_mut()?.iter_mut().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The node at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Sets the first entry with `key`, or adds one at the end. Nothing happens to a node that is no mapping.
    pub fn set(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => {
                if let Some(entries) = self.entries_mut() {
                    entries.push((Node::scalar(key, Tag::Unset), value));
                }
            }
        }
    }

    /// Takes the first entry with `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let entries = self.entries_mut()?;
        let index = entries.iter().position(|(name, _)| name.text() == Some(key))?;
        Some(entries.remove(index).1)
    }

    /// Whether the node is null.
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// Whether the node is null, or a collection without content.
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::Scalar(_) => self.is_null(),
            Content::Sequence(items) => items.is_empty(),
            Content::Mapping(entries) => entries.is_empty(),
        }
    }

    /// Whether the node is a scalar.
    pub fn is_scalar(&self) -> bool {
        matches!(self.content, Content::Scalar(_))
    }

    /// Whether the node is a list.
    pub fn is_sequence(&self) -> bool {
        matches!(self.content, Content::Sequence(_))
    }

    /// Whether the node is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    /// How many nodes the tree has.
    pub fn count(&self) -> usize {
        match &self.content {
            Content::Scalar(_) => 1,
            Content::Sequence(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Content::Mapping(entries) => {
                1 + entries.iter().map(|(key, value)| key.count() + value.count()).sum::<usize>()
            }
        }
    }
}
