//! The pack within the answer, freed from the messages around it.

use bytes::{Buf, Bytes};

use crate::error::Failure;
use crate::transport::packet::{Packet, PacketReader, remote_error};

/// The bytes of a pack as they arrive.
pub(crate) struct PackStream<'a> {
    reader: &'a mut PacketReader,
    first: Option<Bytes>,
}

impl<'a> PackStream<'a> {
    pub(crate) fn new(reader: &'a mut PacketReader, first: Option<Bytes>) -> Self {
        Self { reader, first }
    }

    /// From now on at most `limit` bytes are read.
    pub(crate) fn limit(&mut self, limit: u64) {
        self.reader.limit("the pack", limit);
    }

    /// The next piece of the pack; none at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let packet = match self.first.take() {
                Some(data) => Packet::Data(data),
                None => self.reader.expect().await?,
            };
            let Packet::Data(mut data) = packet else {
                self.reader.finish().await;
                return Ok(None);
            };
            if data.is_empty() {
                continue;
            }
            match data.get_u8() {
                1 => return Ok(Some(data)),
                2 => {}
                3 => return Err(remote_error(&String::from_utf8_lossy(&data))),
                band => return Err(Failure::Protocol(format!("the pack came on unknown band {band}"))),
            }
        }
    }
}
