//! An object's description in XML, as `org.freedesktop.DBus.Introspectable` gives it.

use std::fmt::{self, Write};

use super::interface::{Argument, Interface, Property};

const DOCTYPE: &str = "\
<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"
\"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">
";
/// Of a property: whether anybody is told when it changes.
const EMITS: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";
/// Of what only root may write: what `busctl(1)` and its like show as that.
const PRIVILEGED: &str = "org.freedesktop.systemd1.Privileged";

/// Describes an object with these interfaces and the nodes right below it.
pub fn introspection(interfaces: &[&Interface], children: &[String]) -> String {
    let mut xml = String::from(DOCTYPE);
    // A String takes everything.
    let _ = describe(&mut xml, interfaces, children);
    xml
}

fn describe(xml: &mut String, interfaces: &[&Interface], children: &[String]) -> fmt::Result {
    writeln!(xml, "<node>")?;
    for interface in interfaces {
        writeln!(xml, " <interface name=\"{}\">", interface.name)?;
        for property in interface.properties {
            describe_property(xml, property)?;
        }
        for method in interface.methods {
            writeln!(xml, "  <method name=\"{}\">", method.name)?;
            describe_arguments(xml, method.takes, " direction=\"in\"")?;
            describe_arguments(xml, method.gives, " direction=\"out\"")?;
            writeln!(xml, "  </method>")?;
        }
        for signal in interface.signals {
            writeln!(xml, "  <signal name=\"{}\">", signal.name)?;
            describe_arguments(xml, signal.carries, "")?;
            writeln!(xml, "  </signal>")?;
        }
        writeln!(xml, " </interface>")?;
    }
    for child in children {
        writeln!(xml, " <node name=\"{child}\"/>")?;
    }
    writeln!(xml, "</node>")
}

fn describe_property(xml: &mut String, property: &Property) -> fmt::Result {
    let access = if property.writable {
        "readwrite"
    } else {
        "read"
    };
    let Property {
        name, signature, ..
    } = property;
    writeln!(
        xml,
        "  <property name=\"{name}\" type=\"{signature}\" access=\"{access}\">"
    )?;
    let emits = if property.constant { "const" } else { "false" };
    annotate(xml, EMITS, emits)?;
    if property.writable {
        annotate(xml, PRIVILEGED, "true")?;
    }
    writeln!(xml, "  </property>")
}

fn annotate(xml: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(xml, "   <annotation name=\"{name}\" value=\"{value}\"/>")
}

fn describe_arguments(xml: &mut String, arguments: &[Argument], direction: &str) -> fmt::Result {
    for Argument(name, signature) in arguments {
        writeln!(
            xml,
            "   <arg type=\"{signature}\" name=\"{name}\"{direction}/>"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{LOG_CONTROL1, MANAGER1};
    use super::*;

    #[test]
    fn a_description_has_every_member_and_the_nodes_below() {
        let xml = introspection(&[&MANAGER1, &LOG_CONTROL1], &["transfer".to_owned()]);
        assert!(xml.starts_with("<!DOCTYPE node PUBLIC"));
        for line in [
            "  <method name=\"PullOci\">\n   <arg type=\"s\" name=\"ref\" direction=\"in\"/>",
            "  <signal name=\"TransferRemoved\">\n   <arg type=\"u\" name=\"transfer_id\"/>",
            "  <property name=\"LogLevel\" type=\"s\" access=\"readwrite\">",
            "   <annotation name=\"org.freedesktop.systemd1.Privileged\" value=\"true\"/>",
            " <node name=\"transfer\"/>\n</node>\n",
        ] {
            assert!(xml.contains(line), "{line}");
        }
        assert_eq!(xml.matches("<method ").count(), MANAGER1.methods.len());
    }
}
