//! What logs are packed with, by their first octets, and what unpacks it in bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::facts::Packing;

/// Largest window of a zstd frame, in octets: what decoders must support at least (RFC 8878 section 3.1.1.1.2), and what `zstd -19` asks for.
pub(super) const WINDOW_LIMIT: u64 = 8 << 20;
/// Packed octets that are read at a time.
const PACKED: usize = 64 << 10;

/// First octets of what is packed with something that is not unpacked here.
const OTHERS: [(&[u8], &str); 3] = [(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4")];

/// A log without its packing.
pub(super) struct Unpacked<R> {
    reader: Kind<R>,
}

enum Kind<R> {
    Plain(Begun<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Begun<R>>>>),
    Zstd(Box<Zstd<BufReader<Begun<R>>>>),
}

/// A reader behind the octets that were looked at already.
type Begun<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// The beginning of what `from` gives, up to `count` octets, and all of it.
pub(super) fn peek<R: Read>(mut from: R, count: usize) -> io::Result<(Vec<u8>, Begun<R>)> {
    let mut begin = Vec::with_capacity(count);
    from.by_ref().take(count as u64).read_to_end(&mut begin)?;
    Ok((begin.clone(), io::Cursor::new(begin).chain(from)))
}

/// `from` without what it is packed with.
///
/// # Errors
/// Where it cannot be read, or is packed with something else.
pub(super) fn unpacked<R: Read>(from: R) -> io::Result<(Option<Packing>, Unpacked<R>)> {
    let (begin, whole) = peek(from, 6)?;
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| begin.starts_with(magic)) {
        let words = format!(
            "it is packed with {name}: unpack it before it is read, as in `{name} -dc LOG | helolint check --log -`"
        );
        return Err(io::Error::other(words));
    }
    let buffered = |whole| BufReader::with_capacity(PACKED, whole);
    let (packing, reader) = match begin.as_slice() {
        [0x1f, 0x8b, ..] => (Some(Packing::Gzip), Kind::Gzip(Box::new(MultiGzDecoder::new(buffered(whole))))),
        // A frame, or one to be skipped before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            (Some(Packing::Zstd), Kind::Zstd(Box::new(Zstd::new(buffered(whole)))))
        }
        _ => (None, Kind::Plain(whole)),
    };
    Ok((packing, Unpacked { reader }))
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.reader {
            Kind::Plain(reader) => reader.read(room),
            Kind::Gzip(reader) => reader.read(room),
            Kind::Zstd(reader) => reader.read(room),
        }
    }
}

/// The frames of a zstd file, one after the other.
struct Zstd<R> {
    from: R,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(from: R) -> Zstd<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_LIMIT);
        Zstd { from, decoder, inside: false }
    }

    /// Begins the next frame; `false` where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.from.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.from) {
                Ok(()) => {
                    self.inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut self.from.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                    let words = format!(
                        "its zstd window has {requested} octets, more than the {WINDOW_LIMIT} that are kept: unpack it before it is read, \
                         as in `zstd -dc --long=31 LOG | helolint check --log -`"
                    );
                    return Err(io::Error::other(words));
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.inside {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder
                        .decode_blocks(&mut self.from, one)
                        .map_err(|error| io::Error::other(error.to_string()))?;
                }
                let count = self.decoder.read(room)?;
                if count > 0 || room.is_empty() {
                    return Ok(count);
                }
                self.inside = false;
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn text(packed: &[u8]) -> (Option<Packing>, Vec<u8>, Option<String>) {
        let (packing, mut reader) = unpacked(packed).unwrap();
        let mut out = Vec::new();
        let error = reader.read_to_end(&mut out).err().map(|error| error.to_string());
        (packing, out, error)
    }

    #[test]
    fn by_the_first_octets_alone() {
        let line = b"one line and another\n".repeat(20_000);
        assert_eq!(text(&line), (None, line.clone(), None));
        assert_eq!(text(&gzip(&line)), (Some(Packing::Gzip), line.clone(), None));
        assert_eq!(text(&zstd(&line)), (Some(Packing::Zstd), line.clone(), None));
        assert_eq!(text(b""), (None, Vec::new(), None));
        let xz = unpacked(&b"\xfd7zXZ\0more"[..]).err().unwrap().to_string();
        assert!(xz.contains("packed with xz"), "{xz}");
    }

    #[test]
    fn what_was_appended_packed_is_read_too() {
        for (pack, packing) in [(gzip as fn(&[u8]) -> Vec<u8>, Packing::Gzip), (zstd, Packing::Zstd)] {
            let both = [pack(b"one\n"), pack(b"two\n")].concat();
            assert_eq!(text(&both), (Some(packing), b"one\ntwo\n".to_vec(), None));
        }
        let skipped = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(b"one\n")].concat();
        assert_eq!(text(&skipped), (Some(Packing::Zstd), b"one\n".to_vec(), None));
    }

    #[test]
    fn of_a_cut_one_the_beginning_is_read_and_the_end_is_missed() {
        let line: Vec<u8> =
            (0..200_000u32).flat_map(|n| format!("{:x}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect();
        for pack in [gzip as fn(&[u8]) -> Vec<u8>, zstd] {
            let whole = pack(&line);
            let (_, out, error) = text(&whole[..whole.len() / 2]);
            assert!(!out.is_empty() && line.starts_with(&out) && error.is_some(), "{} {error:?}", out.len());
        }
    }

    #[test]
    fn a_large_window_is_said_and_not_read() {
        // Magic, a frame header without content size, a window of 2^28, an empty last block.
        let (_, out, error) = text(b"\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00");
        assert!(out.is_empty() && error.as_ref().is_some_and(|words| words.contains("its zstd window")), "{error:?}");
    }
}
