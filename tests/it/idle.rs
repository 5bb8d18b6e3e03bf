//! A daemon that waits: what wakes it.

use std::fs;
use std::time::{Duration, Instant};

use super::kit::{Bus, Case, Running, need};

#[test]
fn nothing_wakes_a_daemon_that_has_nothing_to_do_but_its_watchdog() {
    if !need("dbus-daemon") {
        return;
    }
    let switches = |daemon: &Running| -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
        let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap();
        let all: String = tasks.map(|task| status(task.unwrap())).collect();
        let counts = all.lines().filter_map(|line| line.split_once("_switches:"));
        counts
            .map(|(_, count)| count.trim().parse::<u64>().unwrap())
            .sum()
    };
    let pass = |time: u64| std::thread::sleep(Duration::from_millis(time));
    for (watchdog, most) in [("", 0), ("2000000", 4)] {
        let case = Case::new().env("WATCHDOG_USEC", watchdog);
        let bus = Bus::new();
        let daemon = case.daemon(&bus);
        // Until what has begun has come to rest.
        let begun = Instant::now();
        let mut before = switches(&daemon);
        loop {
            pass(700);
            match std::mem::replace(&mut before, switches(&daemon)) {
                same if same == before => break,
                _ => assert!(begun.elapsed() < Duration::from_secs(30)),
            }
        }
        pass(3000);
        let after = switches(&daemon);
        assert!(after - before <= most, "{watchdog}: {}", after - before);
    }
}
