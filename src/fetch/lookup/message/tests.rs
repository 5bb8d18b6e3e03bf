//! Messages as servers and attackers write them.

use super::*;

fn question() -> Question {
    Question::new(0x1234, "H.example", Kind::A).unwrap()
}

/// An answer to the question: its head with this many records, then these bytes.
fn answer(records: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = question().encode();
    message[2] = 0x81;
    message[3] = 0x80;
    message[7] = records;
    message.extend(rest);
    message
}

const A_RECORD: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\xc0\0\x02\x01";

#[test]
fn questions_are_written_as_the_rfc_says() {
    let expected = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01h\x07example\0\0\x01\0\x01";
    assert_eq!(question().encode(), expected);
    for bad in ["", "a..b", ".", "a.", &"a".repeat(64), &"a.".repeat(127)] {
        assert!(Question::new(0, bad, Kind::A).is_none(), "{bad}");
    }
}

#[test]
fn addresses_are_found_behind_aliases_in_any_order() {
    // An address of `x.example`, then h.example CNAME x.example.
    let records = b"\x01X\xc0\x0e\0\x01\0\x01\0\0\0\x09\0\x04\xc0\0\x02\x07\
        \xc0\x0c\0\x05\0\x01\0\0\0\x09\0\x04\x01x\xc0\x0e";
    let answer = question().answer_in(&answer(2, records)).unwrap();
    assert_eq!(answer.addresses, [IpAddr::from([192, 0, 2, 7])]);
}

#[test]
fn records_of_other_names_are_not_taken() {
    let records = b"\x01y\xc0\x0e\0\x01\0\x01\0\0\0\x09\0\x04\xc0\0\x02\x07";
    let answer = question().answer_in(&answer(1, records)).unwrap();
    assert!(answer.addresses.is_empty());
}

#[test]
fn only_answers_to_this_question_count() {
    let good = answer(1, A_RECORD);
    assert_eq!(question().answer_in(&good).unwrap().addresses.len(), 1);
    for (index, value) in [(0, 0), (2, 1), (5, 2), (13, b'i'), (24, 28), (26, 3)] {
        let mut bad = good.clone();
        bad[index] = value;
        assert_eq!(question().answer_in(&bad), None, "byte {index}");
    }
}

#[test]
fn an_alias_of_itself_ends() {
    let records = b"\xc0\x0c\0\x05\0\x01\0\0\0\x09\0\x02\xc0\x0c";
    let answer = question().answer_in(&answer(1, records)).unwrap();
    assert!(answer.addresses.is_empty());
}

#[test]
fn pointers_only_lead_backwards() {
    let at = u8::try_from(answer(0, b"").len()).unwrap();
    for target in [at, at + 2, 0xff] {
        let mut record = A_RECORD.to_vec();
        record[1] = target;
        assert_eq!(question().answer_in(&answer(1, &record)), None);
    }
}

#[test]
fn no_cut_and_no_changed_byte_does_harm() {
    let good = answer(2, &[A_RECORD, A_RECORD].concat());
    for end in 0..good.len() {
        assert_eq!(question().answer_in(&good[..end]), None, "cut at {end}");
    }
    for index in 0..good.len() {
        for value in 0..=255 {
            let mut changed = good.clone();
            changed[index] = value;
            let _ = question().answer_in(&changed);
        }
    }
}
