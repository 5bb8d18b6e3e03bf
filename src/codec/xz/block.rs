//! One block: its header, its filters, its data and its check (3).

use std::io::{self, BufRead, Cursor, Read};

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;

use super::check::{Check, CheckKind};
use super::fields::{corrupt, crc32, read_array, read_integer};
use super::records::Record;
use super::source::Source;
use crate::codec::Error;
use crate::codec::lzma2::Lzma2Reader;
use crate::stream::{Cancel, CancelReader};
use crate::terms::{Bytes, Compression};

/// The largest dictionary taken. `xz -9` uses 64 MiB.
const WINDOW_LIMIT: Bytes = Bytes(256 << 20);

/// What a block says of itself.
pub(super) struct Header {
    filters: Vec<Filter>,
    size: u64,
    /// How many bytes there will be.
    compressed: Option<u64>,
    uncompressed: Option<u64>,
}

/// A block that can be taken out.
pub(super) struct Apart {
    /// How many bytes follow its header, with padding and check.
    pub(super) follow: usize,
    /// What the index has to say of it.
    pub(super) record: Record,
    /// What it takes of memory, packed and unpacked.
    pub(super) bytes: u64,
}

/// A block that is being decoded.
pub(super) struct Block<'a> {
    header: Header,
    filters: Box<dyn Read + Send + 'a>,
    check: Check,
    /// Where the data begin.
    start: u64,
    decoded: u64,
}

/// A filter and its properties.
struct Filter {
    id: u64,
    properties: Vec<u8>,
}

impl Header {
    /// Reads a block's header (3.1). None if it is the index that begins here; its first byte is then taken.
    pub(super) fn read(source: &mut impl Read) -> io::Result<Option<Self>> {
        let [size] = read_array(source)?;
        if size == 0 {
            return Ok(None);
        }
        let header_size = (usize::from(size) + 1) * 4;
        let mut header = vec![size; header_size];
        source.read_exact(&mut header[1..])?;
        let (fields, sum) = header.split_at(header_size - 4);
        if crc32(fields).to_le_bytes() != sum {
            return Err(corrupt("the checksum of a block's header is wrong"));
        }
        let mut fields = &fields[1..];
        let [flags] = field(read_array(&mut fields))?;
        if flags & 0x3c != 0 {
            return Err(corrupt(
                "a block's header has flags that nobody has defined",
            ));
        }
        let mut optional = |bit: u8| {
            (flags & bit != 0)
                .then(|| field(read_integer(&mut fields)))
                .transpose()
        };
        let (compressed, uncompressed) = (optional(0x40)?, optional(0x80)?);
        let filters: Vec<Filter> = (0..=flags & 3)
            .map(|_| Filter::read(&mut fields))
            .collect::<io::Result<_>>()?;
        if fields.iter().any(|byte| *byte != 0) {
            return Err(corrupt("the padding of a block's header is not zero"));
        }
        Ok(Some(Self {
            filters,
            size: header_size as u64,
            compressed,
            uncompressed,
        }))
    }

    /// What the block would be as a piece, if its header says enough for that and it takes at most `limit_bytes`.
    pub(super) fn apart(&self, check: CheckKind, limit_bytes: u64) -> Option<Apart> {
        let (compressed, uncompressed) = self.compressed.zip(self.uncompressed)?;
        let follow = compressed.checked_next_multiple_of(4)? + check.size();
        let bytes = follow.checked_add(uncompressed)?;
        (bytes <= limit_bytes).then_some(Apart {
            follow: usize::try_from(follow).ok()?,
            record: Record {
                unpadded: self.size + compressed + check.size(),
                uncompressed,
            },
            bytes,
        })
    }

    /// Decodes a block that was taken out: what follows its header.
    pub(super) fn unpack(
        self,
        packed: Vec<u8>,
        check: CheckKind,
        cancel: &Cancel,
    ) -> io::Result<Vec<u8>> {
        let packed = CancelReader::new(Cursor::new(packed), cancel.clone());
        let mut source = Source::new(packed);
        let size = usize::try_from(self.uncompressed.unwrap_or_default());
        let size = size.map_err(|_| io::ErrorKind::OutOfMemory)?;
        let unpacked = match self.filters.as_slice() {
            [last] => {
                let unpacked = Lzma2Reader::unpack(source.clone(), last.dictionary_size()?, size);
                unpacked.map_err(lie)?
            }
            filters => {
                let mut unpacked = Vec::new();
                let reserved = unpacked.try_reserve_exact(size);
                reserved.map_err(|_| io::ErrorKind::OutOfMemory)?;
                let chain = chain(source.clone(), filters, self.uncompressed)?;
                // A byte more than was promised shows that it was a lie.
                let read = chain.take(size as u64 + 1).read_to_end(&mut unpacked);
                read.map_err(lie)?;
                unpacked
            }
        };
        let mut check = Check::new(check);
        check.update(&unpacked);
        self.end(&mut source, (0, unpacked.len() as u64), check)?;
        Ok(unpacked)
    }

    /// Reads padding and check once so many bytes were decoded of what begins at `start`, and returns the sizes.
    fn end<R: BufRead>(
        &self,
        source: &mut Source<R>,
        (start, decoded): (u64, u64),
        check: Check,
    ) -> io::Result<Record> {
        let compressed = source.position() - start;
        let promised =
            |promise: Option<u64>, actual| promise.is_none_or(|promise| promise == actual);
        if !promised(self.compressed, compressed) || !promised(self.uncompressed, decoded) {
            return Err(corrupt(SIZES_DIFFER));
        }
        for _ in compressed..compressed.next_multiple_of(4) {
            if read_array(source)? != [0] {
                return Err(corrupt("the padding of a block is not zero"));
            }
        }
        let check_size = check.verify(source)?;
        Ok(Record {
            unpadded: self.size + compressed + check_size,
            uncompressed: decoded,
        })
    }
}

impl<'a> Block<'a> {
    /// Begins to decode what follows a header.
    pub(super) fn begin<R: BufRead + Send + 'a>(
        header: Header,
        source: &Source<R>,
        check: CheckKind,
    ) -> io::Result<Self> {
        Ok(Self {
            filters: chain(source.clone(), &header.filters, header.uncompressed)?,
            check: Check::new(check),
            start: source.position(),
            decoded: 0,
            header,
        })
    }

    /// Reads padding and check after the last byte was decoded, and returns the sizes.
    pub(super) fn finish<R: BufRead>(self, source: &mut Source<R>) -> io::Result<Record> {
        self.header
            .end(source, (self.start, self.decoded), self.check)
    }
}

impl Read for Block<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.filters.read(buffer)?;
        self.check.update(&buffer[..count]);
        self.decoded += count as u64;
        Ok(count)
    }
}

const SIZES_DIFFER: &str = "a block has other sizes than its header";

/// A block that was taken out and ends within its data is no truncated file either.
fn lie(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => corrupt(SIZES_DIFFER),
        _ => error,
    }
}

/// A header that ends within a field is not a truncated file: its size is a lie.
fn field<T>(read: io::Result<T>) -> io::Result<T> {
    read.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => corrupt("a block's header is shorter than its fields"),
        _ => error,
    })
}

impl Filter {
    fn read(fields: &mut &[u8]) -> io::Result<Self> {
        let id = field(read_integer(fields))?;
        let size = field(read_integer(fields))?;
        let split = usize::try_from(size)
            .ok()
            .and_then(|size| fields.split_at_checked(size));
        let (properties, rest) =
            split.ok_or_else(|| corrupt("a block's header is shorter than its fields"))?;
        *fields = rest;
        Ok(Self {
            id,
            properties: properties.to_vec(),
        })
    }

    /// The dictionary's size, if this is LZMA2 (5.3.1).
    fn dictionary_size(&self) -> io::Result<u32> {
        let (0x21, [bits @ 0..=40]) = (self.id, self.properties.as_slice()) else {
            return Err(corrupt("a block's last filter is not LZMA2"));
        };
        let size = match bits {
            40 => u64::from(u32::MAX),
            bits => (2 | u64::from(bits & 1)) << (bits / 2 + 11),
        };
        match u32::try_from(size) {
            Ok(small) if size <= WINDOW_LIMIT.0 => Ok(small),
            _ => Err(io::Error::other(Error::WindowTooLarge {
                compression: Compression::Xz,
                limit: WINDOW_LIMIT,
            })),
        }
    }

    /// This filter over what follows it (5.3.2 and 5.3.3).
    fn over<'a>(&self, inner: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
        if let (3, [distance]) = (self.id, self.properties.as_slice()) {
            return Ok(Box::new(DeltaReader::new(
                inner,
                usize::from(*distance) + 1,
            )));
        }
        let start = match *self.properties.as_slice() {
            [] => 0,
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => return Err(corrupt("a filter has properties of the wrong size")),
        };
        let alignment = match self.id {
            4 => 1,
            8 | 11 => 2,
            6 => 16,
            _ => 4,
        };
        let start = usize::try_from(start)
            .ok()
            .filter(|start| start % alignment == 0);
        let start = start.ok_or_else(|| corrupt("a filter's offset is not aligned"))?;
        Ok(Box::new(match self.id {
            4 => BcjReader::new_x86(inner, start),
            5 => BcjReader::new_ppc(inner, start),
            6 => BcjReader::new_ia64(inner, start),
            7 => BcjReader::new_arm(inner, start),
            8 => BcjReader::new_arm_thumb(inner, start),
            9 => BcjReader::new_sparc(inner, start),
            10 => BcjReader::new_arm64(inner, start),
            11 => BcjReader::new_riscv(inner, start),
            _ => return Err(corrupt("a block uses a filter that nobody has defined")),
        }))
    }
}

/// The reader that undoes the filters, the last of which comes first.
fn chain<'a, R: BufRead + Send + 'a>(
    source: Source<R>,
    filters: &[Filter],
    uncompressed: Option<u64>,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let Some((last, others)) = filters.split_last() else {
        return Err(corrupt("a block has no filter"));
    };
    let dictionary = last.dictionary_size()?;
    let lzma2: Box<dyn Read + Send + 'a> =
        Box::new(Lzma2Reader::new(source, dictionary, uncompressed)?);
    others
        .iter()
        .rev()
        .try_fold(lzma2, |inner, filter| filter.over(inner))
}
