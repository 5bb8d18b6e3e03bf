//! Tables as they are seen, by terminals and by programs.

use super::*;
use crate::terms::Percent;

fn images() -> Table {
    let mut table = Table::new([
        Column::new("CLASS", "class"),
        Column::new("NAME", "name"),
        Column::new("PATH", "path"),
        Column::new("RO", "ro"),
        Column::new("MTIME", "mtime"),
        Column::new("USAGE", "usage"),
        Column::new("LIMIT", "limit"),
        Column::new("SOURCE", "source").hidden(),
    ]);
    let row = |class: &str, name: &str, path: &str, ro| {
        vec![
            Cell::Text(class.to_owned()),
            Cell::Text(name.to_owned()),
            Cell::Path(path.to_owned()),
            Cell::ReadOnly(ro),
            Cell::Timestamp(0),
        ]
    };
    let mut first = row("confext", "c1", "/var/lib/confexts/c1.raw", false);
    first.extend([
        Cell::Bytes(692_224),
        Cell::Bytes(64 << 20),
        Cell::Text("x".to_owned()),
    ]);
    let mut second = row("machine", "漢字", "/var/lib/machines/漢字", true);
    second.extend([Cell::Empty, Cell::Empty, Cell::Empty]);
    table.push(first);
    table.push(second);
    table
}

fn tty(columns: &'static str, colours: &'static str, links: &'static str) -> Terminal {
    Terminal::new(
        true,
        || None,
        move |name| {
            let value = match name {
                "TERM" => "xterm",
                "COLUMNS" => columns,
                "SYSTEMD_COLORS" => colours,
                "SYSTEMD_URLIFY" => links,
                _ => return None,
            };
            Some(value.to_owned())
        },
    )
}

#[test]
fn columns_stand_straight_and_the_last_is_not_padded() {
    let expected = "\
CLASS   NAME PATH                     RO MTIME USAGE LIMIT
confext c1   /var/lib/confexts/c1.raw rw -     676K  64M
machine 漢字 /var/lib/machines/漢字   ro -     -     -
";
    assert_eq!(images().text(&Terminal::PIPE, true), expected);
    let bare = images().text(&Terminal::PIPE, false);
    assert_eq!(
        bare.lines().next(),
        Some("confext c1   /var/lib/confexts/c1.raw rw - 676K 64M")
    );
}

#[test]
fn numbers_lean_right_and_empty_text_is_empty() {
    let mut table = Table::new([
        Column::new("ID", "id").right(),
        Column::new("PROGRESS", "progress").right(),
        Column::new("LOCAL", "local"),
        Column::new("REMOTE", "remote"),
    ]);
    let text = |text: &str| Cell::Text(text.to_owned());
    table.push([Cell::Number(139), Cell::Empty, text("ii"), text("")]);
    table.push([
        Cell::Number(8),
        Cell::Percent(Percent::of(1, 100)),
        text("s1"),
        text("http://a/"),
    ]);
    let expected = " ID PROGRESS LOCAL REMOTE\n139        - ii    \n  8       1% s1    http://a/\n";
    assert_eq!(table.text(&Terminal::PIPE, true), expected);
    assert_eq!((table.len(), table.is_empty()), (2, false));
}

#[test]
fn json_is_laid_out_with_tabs_or_on_one_line() {
    let expected = "[
\t{
\t\t\"class\" : \"confext\",
\t\t\"name\" : \"c1\",
\t\t\"path\" : \"/var/lib/confexts/c1.raw\",
\t\t\"ro\" : false,
\t\t\"mtime\" : 0,
\t\t\"usage\" : 692224,
\t\t\"limit\" : 67108864,
\t\t\"source\" : \"x\"
\t},
\t{
\t\t\"class\" : \"machine\",
\t\t\"name\" : \"漢字\",
\t\t\"path\" : \"/var/lib/machines/漢字\",
\t\t\"ro\" : true,
\t\t\"mtime\" : 0,
\t\t\"usage\" : null,
\t\t\"limit\" : null,
\t\t\"source\" : null
\t}
]
";
    assert_eq!(images().json(JsonLayout::Pretty), expected);
    let short = images().json(JsonLayout::Short);
    assert_eq!(short.lines().count(), 1);
    assert!(short.starts_with("[{\"class\":\"confext\",\"name\":\"c1\",\"path\":"));
    let both =
        [expected, &short].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
    assert_eq!(both[0], both[1]);
    let empty = Table::new([Column::new("ID", "id")]);
    assert_eq!(
        (
            empty.json(JsonLayout::Short),
            empty.json(JsonLayout::Pretty)
        ),
        ("[]\n".to_owned(), "[]\n".to_owned())
    );
}

#[test]
fn a_narrow_terminal_shortens_what_is_long_and_only_text() {
    for columns in ["50", "46"] {
        let text = images().text(&tty(columns, "0", "0"), true);
        let limit: usize = columns.parse().unwrap();
        assert!(text.lines().all(|line| width(line) <= limit), "{text}");
        assert!(
            text.contains("676K  64M") && text.contains('…') && text.contains("c1.raw"),
            "{text}"
        );
    }
    // Where even that is not enough, lines are too long rather than numbers wrong.
    let text = images().text(&tty("10", "0", "0"), true);
    assert!(text.contains("676K  64M"));
}

#[test]
fn colours_and_links_stand_around_the_text_and_do_not_move_columns() {
    let coloured = images().text(&tty("100", "16", "1"), true);
    let lines: Vec<_> = coloured.lines().collect();
    assert_eq!(
        lines[0],
        "\x1b[4mCLASS   NAME PATH                     RO MTIME USAGE LIMIT\x1b[0m"
    );
    assert_eq!(
        lines[1],
        "confext c1   \x1b]8;;file:///var/lib/confexts/c1.raw\x1b\\/var/lib/confexts/c1.raw\x1b]8;;\x1b\\ \
         \x1b[32mrw\x1b[0m \x1b[90m-\x1b[0m     676K  64M"
    );
    assert!(lines[2].contains("\x1b[31mro\x1b[0m"));
    assert!(!images().text(&Terminal::PIPE, true).contains('\x1b'));
    assert!(!images().json(JsonLayout::Pretty).contains('\x1b'));
}
