//! Which objects there are: the Manager, a node of transfers, each transfer, the log's control, and the nodes on the way to
//! them.

use super::fault::Fault;
use crate::transfer::Manager;
use crate::wire::bus::{
    INTROSPECTABLE1, Interface, LOG_CONTROL_PATH, LOG_CONTROL1, MANAGER_PATH, MANAGER1, PEER1,
    PROPERTIES1, TRANSFER1, TRANSFERS_PATH, introspection, transfer_of, transfer_path,
};

/// Something that can be called at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Manager,
    Transfer(u32),
    LogControl,
    /// A node that others lie below.
    Node,
}

impl Object {
    /// What there is at the path.
    pub(super) fn at(path: &str, manager: &Manager) -> Option<Self> {
        Some(match path {
            MANAGER_PATH => Self::Manager,
            LOG_CONTROL_PATH => Self::LogControl,
            TRANSFERS_PATH | "/" | "/org" | "/org/freedesktop" => Self::Node,
            path => {
                let id = transfer_of(path)?;
                manager.transfer(id).map(|_| Self::Transfer(id))?
            }
        })
    }

    /// Its own interface, which a node has none of.
    fn own(self) -> Option<&'static Interface> {
        match self {
            Self::Manager => Some(&MANAGER1),
            Self::Transfer(_) => Some(&TRANSFER1),
            Self::LogControl => Some(&LOG_CONTROL1),
            Self::Node => None,
        }
    }

    /// All its interfaces. Those of every object come first.
    pub(super) fn interfaces(self) -> Vec<&'static Interface> {
        let everywhere = [&PEER1, &INTROSPECTABLE1, &PROPERTIES1];
        everywhere.into_iter().chain(self.own()).collect()
    }

    pub(super) fn interface(self, name: &str) -> Result<&'static Interface, Fault> {
        let mut interfaces = self.interfaces().into_iter();
        let found = interfaces.find(|interface| interface.name == name);
        found.ok_or_else(|| Fault::unknown_interface(name))
    }
}

/// Describes the object at a path and what lies right below.
pub(super) fn describe(path: &str, object: Object, manager: &Manager) -> String {
    let mut paths = vec![
        MANAGER_PATH.to_owned(),
        LOG_CONTROL_PATH.to_owned(),
        TRANSFERS_PATH.to_owned(),
    ];
    let transfers = manager.transfers();
    paths.extend(transfers.iter().map(|transfer| transfer_path(transfer.id)));
    introspection(&object.interfaces(), &children(path, &paths))
}

/// The next names behind `path` on the ways to these.
fn children(path: &str, paths: &[String]) -> Vec<String> {
    let prefix = match path {
        "/" => "/".to_owned(),
        path => format!("{path}/"),
    };
    let mut names: Vec<_> = paths
        .iter()
        .filter_map(|path| path.strip_prefix(&prefix)?.split('/').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The paths below which objects of each interface lie.
const SHOWN: [(&str, Object); 3] = [
    (MANAGER_PATH, Object::Manager),
    (TRANSFERS_PATH, Object::Transfer(0)),
    (LOG_CONTROL_PATH, Object::LogControl),
];

/// A line for each kind of object: path and interface.
pub(in crate::daemon) fn list() -> String {
    let line = |(path, object): &(&str, Object)| {
        let name = object.own().map_or("", |interface| interface.name);
        format!("{path}\t{name}\n")
    };
    SHOWN.iter().map(line).collect()
}

/// The description of the objects at such a path, without a bus.
pub(in crate::daemon) fn description(path: &str) -> Option<String> {
    let (_, object) = SHOWN.iter().find(|(shown, _)| *shown == path)?;
    Some(introspection(&object.interfaces(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_on_the_way_have_what_is_right_below_them() {
        let paths = ["/a/b", "/a/b/c", "/a/b/c/_1", "/a/d"].map(str::to_owned);
        assert_eq!(children("/", &paths), ["a"]);
        assert_eq!(children("/a", &paths), ["b", "d"]);
        assert_eq!(children("/a/b/c", &paths), ["_1"]);
        assert!(children("/a/d", &paths).is_empty());
        assert!(description(MANAGER_PATH).unwrap().contains("PullRawEx"));
        assert_eq!(description("/"), None);
    }
}
