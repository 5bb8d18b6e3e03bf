//! Messages there and back, and what is none.

use super::*;

fn parse(text: &str) -> Result<Call, String> {
    Call::parse(text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn calls_are_read_with_and_without_what_may_be_left_out() {
    let ping = |mode| Ok(Call::new("a.Ping", Parameters::new(), mode));
    for (text, mode) in [
        (r#"{"method":"a.Ping"}"#, Mode::Once),
        (r#" {"parameters":{}, "method":"a.Ping"} "#, Mode::Once),
        (r#"{"method":"a.Ping","parameters":null}"#, Mode::Once),
        (r#"{"method":"a.Ping","more":true}"#, Mode::More),
        (
            r#"{"method":"a.Ping","oneway":true,"more":false}"#,
            Mode::Oneway,
        ),
        (r#"{"method":"a.Ping","upgrade":true}"#, Mode::Upgrade),
    ] {
        assert_eq!(parse(text), ping(mode), "{text}");
    }
    let call = parse(r#"{"method":"a.B","parameters":{"b":[1],"a":"\u0000\ud83d\ude00"}}"#);
    let parameters = Parameters::new()
        .with("b", vec![1])
        .with("a", "\0\u{1f600}");
    assert_eq!(call, Ok(Call::new("a.B", parameters, Mode::Once)));
}

#[test]
fn what_is_no_call_is_refused() {
    let deep = |levels| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"method":"a.B","parameters":{{"x":{open}{close}}}}}"#)
    };
    assert!(parse(&deep(100)).is_ok());
    for text in [
        "",
        " ",
        "garbage",
        "[]",
        "null",
        "\"x\"",
        "{}",
        r#"{"method":5}"#,
        r#"{"method":null}"#,
        r#"{"nomethod":"a.B"}"#,
        r#"{"method":"a.B"#,
        r#"{"method":"a.B"}{}"#,
        r#"{"method":"a.B","parameters":[]}"#,
        r#"{"method":"a.B","parameters":"x"}"#,
        r#"{"method":"a.B","extra":1}"#,
        r#"{"method":"a.B","more":"yes"}"#,
        r#"{"method":"a.B","more":null}"#,
        r#"{"method":"a.B","more":true,"oneway":true}"#,
        r#"{"method":"a.B","more":true,"upgrade":true}"#,
        r#"{"method":"a.B","method":"a.C"}"#,
        r#"{"method":"a.B","parameters":{},"parameters":{}}"#,
        r#"{"method":"a.B","parameters":{"x":"\ud800"}}"#,
        r#"{"method":"a.B","parameters":{"x":1e999}}"#,
        &deep(200),
        &deep(20_000),
    ] {
        assert!(
            parse(text).is_err(),
            "{}",
            text.chars().take(80).collect::<String>()
        );
    }
    assert!(Call::parse(b"{\"method\":\"a.B\",\"parameters\":{\"x\":\"\xff\"}}").is_err());
}

#[test]
fn numbers_beyond_all_bounds_stay_numbers() {
    let call = parse(
        r#"{"method":"a.B","parameters":{"x":1000000000000000000000000000000,"y":-9223372036854775808}}"#,
    );
    let parameters = call.unwrap().parameters;
    let x = parameters.value("x").unwrap();
    assert!(x.is_f64() && x.as_i64().is_none());
    assert_eq!(parameters.value("y").unwrap().as_i64(), Some(i64::MIN));
}

#[test]
fn names_that_come_twice_are_there_twice() {
    let call = parse(r#"{"method":"a.B","parameters":{"x":1,"x":2}}"#).unwrap();
    assert_eq!(call.parameters, Parameters::new().with("x", 1).with("x", 2));
}

#[test]
fn calls_and_replies_are_read_back_as_they_were_written() {
    let values = Parameters::new()
        .with("id", 7)
        .with("percent", -f64::MAX)
        .with("progress", 0.42)
        .with("log", Parameters::new().with("message", "a\0b"));
    for mode in [Mode::Once, Mode::More, Mode::Oneway, Mode::Upgrade] {
        let call = Call::new("a.B", values.clone(), mode);
        let bytes = call.to_bytes();
        let (end, text) = bytes.split_last().unwrap();
        assert_eq!(*end, 0);
        assert_eq!(Call::parse(text).unwrap(), call);
    }
    let failure = Failure {
        name: "a.Failed".to_owned(),
        parameters: Parameters::new(),
    };
    for (reply, text) in [
        (Reply::Last(Parameters::new()), "{}"),
        (
            Reply::Last(Parameters::new().with("progress", 0.42)),
            r#"{"parameters":{"progress":0.42}}"#,
        ),
        (
            Reply::Continued(Parameters::new().with("id", 1)),
            r#"{"parameters":{"id":1},"continues":true}"#,
        ),
        (Reply::Failed(failure), r#"{"error":"a.Failed"}"#),
    ] {
        assert_eq!(reply.to_bytes(), [text.as_bytes(), &[0]].concat());
        assert_eq!(Reply::parse(text.as_bytes()).unwrap(), reply);
    }
    // As older ones write them.
    let empty = br#"{"parameters":{},"continues":false,"new":[1]}"#;
    assert_eq!(Reply::parse(empty).unwrap(), Reply::Last(Parameters::new()));
}
