//! Asking for objects.

use gix_hash::ObjectId;

use crate::error::Failure;
use crate::protocol::{AGENT, Advertisement, PackStream};
use crate::transport::Connection;
use crate::transport::packet::{Packet, push_delimiter, push_flush, push_line};

/// Which of the wanted objects come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All.
    Everything,
    /// All but files.
    NoBlobs,
    /// Commits and tags.
    NoTrees,
}

impl Filter {
    /// The filter as the protocol names it.
    fn spec(self) -> Option<&'static str> {
        match self {
            Self::Everything => None,
            Self::NoBlobs => Some("blob:none"),
            Self::NoTrees => Some("tree:0"),
        }
    }
}

/// How much of a commit's past comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The commit alone, where the server can cut.
    One,
    /// All that leads to it.
    Full,
}

/// What is asked for, and what is there already.
#[derive(Clone, Debug)]
pub(crate) struct FetchRequest {
    /// The objects.
    pub(crate) wants: Vec<ObjectId>,
    /// Commits that are there with all that the filter lets through.
    pub(crate) haves: Vec<ObjectId>,
    /// Those of them whose parents are not there.
    pub(crate) shallow: Vec<ObjectId>,
    /// How much past.
    pub(crate) depth: Depth,
    /// Which objects.
    pub(crate) filter: Filter,
}

/// Sends the request and reads up to the pack. There is no negotiation: the haves are few, and sent at once.
pub(crate) async fn start<'a>(
    connection: &'a mut Connection,
    advertisement: &Advertisement,
    request: &FetchRequest,
) -> Result<PackStream<'a>, Failure> {
    let body =
        if advertisement.version == 2 { version_2(advertisement, request) } else { version_0(advertisement, request)? };
    connection.send(body, advertisement.version).await?;
    if advertisement.version == 2 {
        skip_sections(connection).await?;
        return Ok(PackStream::new(&mut connection.reader, None));
    }
    // Shallow lines, acknowledgements and their flush come before the first piece of the pack.
    loop {
        match connection.reader.expect().await? {
            Packet::Data(data) if matches!(data.first(), Some(1..=3)) => {
                return Ok(PackStream::new(&mut connection.reader, Some(data)));
            }
            Packet::Data(_) | Packet::Flush | Packet::Delimiter | Packet::ResponseEnd => {}
        }
    }
}

async fn skip_sections(connection: &mut Connection) -> Result<(), Failure> {
    loop {
        let packet = connection.reader.expect().await?;
        match packet.line()? {
            "packfile" => return Ok(()),
            "acknowledgments" | "shallow-info" | "wanted-refs" | "packfile-uris" => {
                while let Packet::Data(_) = connection.reader.expect().await? {}
            }
            _ => return Err(Failure::Protocol("the answer to a fetch has an unknown section".to_owned())),
        }
    }
}

fn version_2(advertisement: &Advertisement, request: &FetchRequest) -> Vec<u8> {
    let mut body = Vec::new();
    push_line(&mut body, "command=fetch");
    push_line(&mut body, AGENT);
    if advertisement.tells_format() {
        push_line(&mut body, "object-format=sha1");
    }
    push_delimiter(&mut body);
    for option in ["no-progress", "ofs-delta"] {
        push_line(&mut body, option);
    }
    if !request.haves.is_empty() {
        push_line(&mut body, "thin-pack");
    }
    if advertisement.can("shallow") {
        push_shallow(&mut body, request);
    }
    if let Some(filter) = request.filter.spec().filter(|_| advertisement.can("filter")) {
        push_line(&mut body, &format!("filter {filter}"));
    }
    for id in &request.wants {
        push_line(&mut body, &format!("want {id}"));
    }
    for id in &request.haves {
        push_line(&mut body, &format!("have {id}"));
    }
    push_line(&mut body, "done");
    push_flush(&mut body);
    body
}

fn version_0(advertisement: &Advertisement, request: &FetchRequest) -> Result<Vec<u8>, Failure> {
    let sideband = ["side-band-64k", "side-band"].into_iter().find(|name| advertisement.can(name));
    let Some(sideband) = sideband else {
        return Err(Failure::Protocol("the server cannot tell the pack from messages (side-band)".to_owned()));
    };
    let mut features = vec![sideband];
    // Some servers insist on acknowledging in detail, which changes nothing where all is asked for at once.
    features.extend(["multi_ack_detailed", "multi_ack"].into_iter().find(|name| advertisement.can(name)));
    features.extend(["ofs-delta", "no-progress"].into_iter().filter(|name| advertisement.can(name)));
    if !request.haves.is_empty() && advertisement.can("thin-pack") {
        features.push("thin-pack");
    }
    let filter = request.filter.spec().filter(|_| advertisement.can("filter"));
    if filter.is_some() {
        features.push("filter");
    }
    if advertisement.can("agent") {
        features.push(AGENT);
    }
    let mut body = Vec::new();
    for (index, id) in request.wants.iter().enumerate() {
        if index == 0 {
            push_line(&mut body, &format!("want {id} {}", features.join(" ")));
        } else {
            push_line(&mut body, &format!("want {id}"));
        }
    }
    if advertisement.can("shallow") {
        push_shallow(&mut body, request);
    }
    if let Some(filter) = filter {
        push_line(&mut body, &format!("filter {filter}"));
    }
    push_flush(&mut body);
    for id in &request.haves {
        push_line(&mut body, &format!("have {id}"));
    }
    push_line(&mut body, "done");
    Ok(body)
}

fn push_shallow(body: &mut Vec<u8>, request: &FetchRequest) {
    for id in &request.shallow {
        push_line(body, &format!("shallow {id}"));
    }
    if request.depth == Depth::One {
        push_line(body, "deepen 1");
    }
}
