//! What our objects offer, member by member, as `org.freedesktop.import1(5)` and `org.freedesktop.LogControl1(5)` have it.

/// An interface with all its members.
#[derive(Debug)]
pub struct Interface {
    pub name: &'static str,
    pub properties: &'static [Property],
    pub methods: &'static [Method],
    pub signals: &'static [Signal],
}

#[derive(Debug)]
pub struct Method {
    pub name: &'static str,
    pub takes: &'static [Argument],
    pub gives: &'static [Argument],
}

#[derive(Debug)]
pub struct Signal {
    pub name: &'static str,
    pub carries: &'static [Argument],
}

#[derive(Debug)]
pub struct Property {
    pub name: &'static str,
    pub signature: &'static str,
    pub writable: bool,
    /// That it never changes, or that nobody is told when it does.
    pub constant: bool,
}

/// A name and a signature.
#[derive(Debug)]
pub struct Argument(pub &'static str, pub &'static str);

impl Method {
    /// The signature of all that it takes.
    pub fn signature(&self) -> String {
        self.takes.iter().map(|argument| argument.1).collect()
    }
}

impl Interface {
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }
}

const fn method(
    name: &'static str,
    takes: &'static [Argument],
    gives: &'static [Argument],
) -> Method {
    Method { name, takes, gives }
}

const FD: Argument = Argument("fd", "h");
const URL: Argument = Argument("url", "s");
const NAME: Argument = Argument("local_name", "s");
const CLASS: Argument = Argument("class", "s");
const VERIFY: Argument = Argument("verify_mode", "s");
const FORMAT: Argument = Argument("format", "s");
const FORCE: Argument = Argument("force", "b");
const READ_ONLY: Argument = Argument("read_only", "b");
const FLAGS: Argument = Argument("flags", "t");
const ID: Argument = Argument("transfer_id", "u");
const PATH: Argument = Argument("transfer_path", "o");

const IMPORT: &[Argument] = &[FD, NAME, FORCE, READ_ONLY];
const IMPORT_EX: &[Argument] = &[FD, NAME, CLASS, FLAGS];
const EXPORT: &[Argument] = &[NAME, FD, FORMAT];
const EXPORT_EX: &[Argument] = &[NAME, CLASS, FD, FORMAT, FLAGS];
const PULL: &[Argument] = &[URL, NAME, VERIFY, FORCE];
const PULL_EX: &[Argument] = &[URL, NAME, CLASS, VERIFY, FLAGS];
const STARTED: &[Argument] = &[ID, PATH];

pub const MANAGER1: Interface = Interface {
    name: super::MANAGER,
    properties: &[],
    methods: &[
        method("ImportTar", IMPORT, STARTED),
        method("ImportTarEx", IMPORT_EX, STARTED),
        method("ImportRaw", IMPORT, STARTED),
        method("ImportRawEx", IMPORT_EX, STARTED),
        method("ImportFileSystem", IMPORT, STARTED),
        method("ImportFileSystemEx", IMPORT_EX, STARTED),
        method("ExportTar", EXPORT, STARTED),
        method("ExportTarEx", EXPORT_EX, STARTED),
        method("ExportRaw", EXPORT, STARTED),
        method("ExportRawEx", EXPORT_EX, STARTED),
        method("PullTar", PULL, STARTED),
        method("PullTarEx", PULL_EX, STARTED),
        method("PullRaw", PULL, STARTED),
        method("PullRawEx", PULL_EX, STARTED),
        method(
            "PullOci",
            &[Argument("ref", "s"), NAME, CLASS, FLAGS],
            STARTED,
        ),
        method("ListTransfers", &[], &[Argument("transfers", "a(usssdo)")]),
        method(
            "ListTransfersEx",
            &[CLASS, FLAGS],
            &[Argument("transfers", "a(ussssdo)")],
        ),
        method("CancelTransfer", &[ID], &[]),
        method(
            "ListImages",
            &[CLASS, FLAGS],
            &[Argument("images", "a(ssssbtttttt)")],
        ),
    ],
    signals: &[
        Signal {
            name: "TransferNew",
            carries: STARTED,
        },
        Signal {
            name: "TransferRemoved",
            carries: &[ID, PATH, Argument("result", "s")],
        },
    ],
};

const fn constant(name: &'static str, signature: &'static str) -> Property {
    Property {
        name,
        signature,
        writable: false,
        constant: true,
    }
}

pub const TRANSFER1: Interface = Interface {
    name: super::TRANSFER,
    properties: &[
        constant("Id", "u"),
        constant("Local", "s"),
        constant("Remote", "s"),
        constant("Type", "s"),
        constant("Verify", "s"),
        Property {
            name: "Progress",
            signature: "d",
            writable: false,
            constant: false,
        },
    ],
    methods: &[method("Cancel", &[], &[])],
    signals: &[
        Signal {
            name: "LogMessage",
            carries: &[Argument("priority", "u"), Argument("line", "s")],
        },
        Signal {
            name: "ProgressUpdate",
            carries: &[Argument("progress", "d")],
        },
    ],
};

pub const LOG_CONTROL1: Interface = Interface {
    name: super::LOG_CONTROL,
    properties: &[
        Property {
            name: "LogLevel",
            signature: "s",
            writable: true,
            constant: false,
        },
        Property {
            name: "LogTarget",
            signature: "s",
            writable: true,
            constant: false,
        },
        Property {
            name: "SyslogIdentifier",
            signature: "s",
            writable: false,
            constant: false,
        },
    ],
    methods: &[],
    signals: &[],
};

pub const PEER1: Interface = Interface {
    name: super::PEER,
    properties: &[],
    methods: &[
        method("Ping", &[], &[]),
        method("GetMachineId", &[], &[Argument("machine_uuid", "s")]),
    ],
    signals: &[],
};

pub const INTROSPECTABLE1: Interface = Interface {
    name: super::INTROSPECTABLE,
    properties: &[],
    methods: &[method("Introspect", &[], &[Argument("xml_data", "s")])],
    signals: &[],
};

const OF: Argument = Argument("interface_name", "s");
const PROPERTY: Argument = Argument("property_name", "s");
const VALUE: Argument = Argument("value", "v");

pub const PROPERTIES1: Interface = Interface {
    name: super::PROPERTIES,
    properties: &[],
    methods: &[
        method("Get", &[OF, PROPERTY], &[VALUE]),
        method("GetAll", &[OF], &[Argument("props", "a{sv}")]),
        method("Set", &[OF, PROPERTY, VALUE], &[]),
    ],
    signals: &[Signal {
        name: "PropertiesChanged",
        carries: &[
            OF,
            Argument("changed_properties", "a{sv}"),
            Argument("invalidated_properties", "as"),
        ],
    }],
};
