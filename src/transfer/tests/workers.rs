//! Pieces that several threads unpack: in order, within bounds, and to every kind of end.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Home;
use crate::codec::{Assembler, Piece, Pieces, Unpacked};
use crate::stream::Cancel;
use crate::transfer::ahead::Ended;
use crate::transfer::memory::Share;
use crate::transfer::workers::unpack_ahead;
use crate::transfer::{Error, Local};

const SIZE: u64 = 100_000;

/// What the piece of that number unpacks to.
fn bytes(number: u64) -> Vec<u8> {
    vec![number as u8; (SIZE - number * 7) as usize]
}

/// A piece that somebody takes a while for, some longer than others; every third could not be taken out.
fn piece(number: u64, unpacked: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Piece {
    if number % 3 == 2 {
        return Piece::Plain(bytes(number));
    }
    let unpack = move |_: &Cancel| {
        std::thread::sleep(Duration::from_micros(number % 7 * 300));
        unpacked().map(Unpacked::Bytes)
    };
    Piece::Packed {
        unpack: Box::new(unpack),
        bytes: SIZE,
    }
}

fn pieces<'a>(count: u64) -> Pieces<'a> {
    cut((0..count).map(|number| Ok(piece(number, move || Ok(bytes(number))))))
}

fn cut<'a>(pieces: impl Iterator<Item = io::Result<Piece>> + Send + 'a) -> Pieces<'a> {
    Pieces {
        cutter: Box::new(pieces),
        assembler: Assembler::default(),
    }
}

/// Reads all that comes of the pieces, on `workers` threads and in so many bytes.
fn read_all(pieces: Pieces, workers: usize, limit: u64) -> Result<Vec<u8>, Error> {
    let share = Share::of(limit, workers);
    unpack_ahead(
        &Home::new().job(),
        (pieces, &Ended::default()),
        &share,
        |mut image| {
            let mut all = Vec::new();
            let read = image.read_to_end(&mut all);
            read.map_err(|error| Error::read("a test", error))?;
            Ok(all)
        },
    )
}

#[test]
fn everything_comes_in_its_order_on_any_number_of_threads() {
    let expected: Vec<u8> = (0..200).flat_map(bytes).collect();
    for (workers, limit) in [
        (1, 1),
        (2, SIZE),
        (2, 10 * SIZE),
        (8, 3 * SIZE),
        (8, 1 << 30),
    ] {
        let all = read_all(pieces(200), workers, limit).unwrap();
        assert!(all == expected, "{workers} {limit}");
    }
    assert!(read_all(pieces(0), 2, SIZE).unwrap().is_empty());
}

#[test]
fn no_more_is_unpacked_than_has_room() {
    let (held, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counted = (0..100).map(|number| {
        let (held, most) = (Arc::clone(&held), Arc::clone(&most));
        most.fetch_max(held.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        Ok(Piece::Packed {
            unpack: Box::new(move |_| {
                std::thread::sleep(Duration::from_millis(1));
                held.fetch_sub(1, Ordering::SeqCst);
                Ok(Unpacked::Bytes(bytes(number)))
            }),
            bytes: SIZE,
        })
    });
    read_all(cut(counted), 8, 3 * SIZE).unwrap();
    // Cut off, waiting for room, or being unpacked.
    assert!(most.load(Ordering::SeqCst) <= 4, "{most:?}");
}

#[test]
fn an_error_comes_where_it_belongs() {
    for wrong in [0, 1, 50, 98, 99] {
        for is_cut in [true, false] {
            let pieces = (0..100).map(move |number| match number == wrong {
                true if is_cut => Err(io::Error::other("what is wrong")),
                true => Ok(piece(0, || Err(io::Error::other("what is wrong")))),
                false => Ok(piece(number, move || Ok(bytes(number)))),
            });
            let error = read_all(cut(pieces), 3, 10 * SIZE).unwrap_err();
            assert!(error.to_string().contains("what is wrong"), "{error}");
        }
    }
}

#[test]
fn whoever_has_enough_may_go_and_a_panic_is_told() {
    let share = Share::of(2 * SIZE, 4);
    let ended = Ended::default();
    let enough = unpack_ahead(
        &Home::new().job(),
        (pieces(1000), &ended),
        &share,
        |mut image| {
            let read = image.read_exact(&mut [0; 5000]);
            read.map_err(|error| Error::read("a test", error))
        },
    );
    enough.unwrap();
    let pieces = (0..10).map(|number| {
        Ok(piece(number, move || {
            assert!(number != 3, "this one has had enough");
            Ok(bytes(number))
        }))
    });
    let error = read_all(cut(pieces), 2, 10 * SIZE).unwrap_err();
    let Error::Local(Local::Panic(words)) = error else {
        panic!("{error}");
    };
    assert_eq!(words, "this one has had enough");
}

#[test]
fn who_unpacks_stops_when_nobody_wants_it_any_more() {
    let pieces = (0..10).map(|_| {
        Ok(Piece::Packed {
            unpack: Box::new(|cancel| {
                while !cancel.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(cancel.check().unwrap_err().into())
            }),
            bytes: SIZE,
        })
    });
    let share = Share::of(10 * SIZE, 2);
    let ended = Ended::default();
    let outcome = unpack_ahead(
        &Home::new().job(),
        (cut(pieces), &ended),
        &share,
        |_| -> Result<(), Error> { Err(Error::Cancelled) },
    );
    assert!(matches!(outcome, Err(Error::Cancelled)));
}
