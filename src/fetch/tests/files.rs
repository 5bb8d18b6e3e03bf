//! `file:` URLs.

use std::fs;
use std::io::Read;

use super::kit::{Case, failure};
use crate::fetch::{Answer, Error};
use crate::terms::Url;

#[test]
fn a_regular_file_is_found_and_nothing_else_hangs() {
    let directory = std::env::temp_dir().join(format!("importd-fetch-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let url = |name: &str| -> Url {
        let text = format!("file://{}/{name}", directory.display());
        text.parse().unwrap()
    };
    fs::write(directory.join("a b"), "abc").unwrap();
    let fifo = directory.join("fifo");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, 0o600.into(), 0).unwrap();
    let case = Case::new();

    let mut found = case.found(&url("a%20b"));
    fs::write(directory.join("a b"), "abcdef").unwrap();
    let mut text = String::new();
    found.body.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), found.length_bytes), ("abc", Some(3)));
    assert!(found.etag.is_none() && found.last_modified.is_some());

    let mut found = case.found(&url("a%20b"));
    fs::write(directory.join("a b"), "a").unwrap();
    let error = found.body.read_to_string(&mut text).unwrap_err();
    assert!(matches!(failure(&error), Some(Error::CutShort { .. })));
    assert!(
        error.to_string().contains("the file became shorter"),
        "{error}"
    );

    for missing in ["none", "a%20b/c"] {
        let answer = case.fetcher.get(&url(missing), &[]);
        assert!(matches!(answer, Ok(Answer::NotFound)));
    }
    assert!(matches!(case.error(&url("")), Error::NotRegular(_)));
    assert!(matches!(case.error(&url("fifo")), Error::NotRegular(_)));
    let elsewhere = "file://elsewhere/x".parse().unwrap();
    assert!(matches!(case.error(&elsewhere), Error::NotLocal(_)));
    fs::remove_dir_all(&directory).unwrap();
}
