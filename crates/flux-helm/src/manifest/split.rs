//! A stream of YAML documents, taken apart.

/// The documents of a stream that have anything in them but space.
///
/// Between documents stand three hyphens at the start of a line, with what space is around them; whatever follows on
/// their line belongs to the next document.
pub fn split(stream: &str) -> Vec<&str> {
    let stream = stream.trim_start();
    let mut documents = Vec::new();
    let mut from = 0;
    while let Some((start, end)) = separator(stream, from) {
        documents.push(stream.get(from..start).unwrap_or_default());
        from = end;
    }
    documents.push(stream.get(from..).unwrap_or_default());
    documents.retain(|document| !document.trim().is_empty());
    documents.into_iter().map(str::trim_start).collect()
}

/// Where the first separator from `from` on begins and ends. Space that an earlier one took is not looked at again:
/// hyphens right behind it are content.
fn separator(stream: &str, from: usize) -> Option<(usize, usize)> {
    let rest = stream.get(from..)?;
    let (start, hyphens) = if from == 0 && rest.starts_with("---") {
        (0, 0)
    } else {
        let line_feed = from + rest.find("\n---")?;
        let before = stream.get(from..line_feed)?;
        (from + before.trim_end_matches(is_space).len(), line_feed + 1)
    };
    let behind = stream.get(hyphens + 3..)?;
    Some((start, stream.len() - behind.trim_start_matches(is_space).len()))
}

/// What RE2 calls space.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_stand_between_hyphens_at_the_start_of_lines() {
        for (stream, documents) in [
            ("", vec![]),
            ("a\n---\nb\n", vec!["a", "b\n"]),
            ("---\na\n\n \n---  \n\n  b\n", vec!["a", "b\n"]),
            ("a: 1 ---\nb\n", vec!["a: 1 ---\nb\n"]),
            ("a\n---b\n--- # c\nd", vec!["a", "b", "# c\nd"]),
            ("---\n---\n", vec!["---\n"]),
            ("a\n----\nb", vec!["a", "-\nb"]),
            ("a\n --- \nb", vec!["a\n --- \nb"]),
        ] {
            assert_eq!(split(stream), documents, "{stream:?}");
        }
    }
}
