//! ASCII armor (RFC 9580, 6.2): text around base64. Decoded to packets; the checksum is not compared, as the RFC asks.

use std::borrow::Cow;

use super::Malformed;

const BLOCKS: [&[u8]; 2] = [
    b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
    b"-----BEGIN PGP SIGNATURE-----",
];

/// The packets in `bytes`: themselves if binary, else those of all armored blocks, whatever stands between them.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    // The first byte of a packet has its highest bit set, which no text in ASCII has.
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut packets = Vec::new();
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    while lines.any(|line| BLOCKS.contains(&line)) {
        // Headers such as `Comment:` end with an empty line.
        lines.any(<[u8]>::is_empty);
        decode_block(&mut lines, &mut packets).ok_or(Malformed::Armor)?;
    }
    Ok(Cow::Owned(packets))
}

/// Decodes lines of base64 up to the end of the block; nothing if a character is foreign or the end is missing.
fn decode_block<'a>(
    lines: &mut impl Iterator<Item = &'a [u8]>,
    packets: &mut Vec<u8>,
) -> Option<()> {
    let (mut bits, mut count) = (0_u32, 0);
    loop {
        let line = lines.next()?;
        if line.starts_with(b"-----END PGP ") {
            return Some(());
        }
        // Padding ends the data; a line that begins with it holds the checksum.
        for digit in line.iter().take_while(|digit| **digit != b'=') {
            bits = (bits << 6 | value(*digit)?) & 0xFFFF;
            count += 6;
            if count >= 8 {
                count -= 8;
                packets.push((bits >> count & 0xFF) as u8);
            }
        }
    }
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(lines: &str) -> String {
        format!("-----BEGIN PGP SIGNATURE-----\n{lines}\n-----END PGP SIGNATURE-----\n")
    }

    #[test]
    fn blocks_decode_with_headers_checksums_and_text_around_them() {
        let text = format!(
            "hello\r\n{}between\n{}",
            block("Comment: x\n\nAAEC\nAwQ=\n=abcd"),
            block("\n/w==").replace('\n', "\r\n")
        );
        assert_eq!(*decode(text.as_bytes()).unwrap(), [0, 1, 2, 3, 4, 255]);
    }

    #[test]
    fn packets_pass_untouched_and_text_without_blocks_is_empty() {
        assert_eq!(*decode(&[0x99, 0]).unwrap(), [0x99, 0]);
        for text in ["", "hello\n", "-----BEGIN PGP MESSAGE-----\n\nAAAA\n"] {
            assert!(decode(text.as_bytes()).unwrap().is_empty());
        }
    }

    #[test]
    fn a_block_that_does_not_end_or_holds_other_characters_is_refused() {
        let whole = block("\nAAEC");
        for text in [&whole[..whole.len() - 30], &block("\nAA-C"), &block("AAEC")] {
            assert!(matches!(decode(text.as_bytes()), Err(Malformed::Armor)));
        }
    }
}
