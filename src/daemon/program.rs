//! systemd-importd itself: set up, serve, and end when that is asked for or nobody needs it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::process::umask;

use super::activity::Activity;
use super::authority::Authority;
use super::bus::{self, Address, Events};
use super::error::Error;
use super::log::ChangingLog;
use super::options::{Instead, Options, USAGE, parse};
use super::service::Service;
use super::teller::{Teller, status};
use super::varlink::{self, Entrance, Server};
use crate::multicall::VERSION;
use crate::report::{self, Notifier, Reporter, Sink};
use crate::store::Roots;
use crate::stream::Cancel;
use crate::sys::{SignalFd, has_children, ignore_favours};
use crate::term::Terminal;
use crate::terms::parse_boolean;
use crate::transfer::{Manager, Settings};
use crate::usage::help;
use crate::wire::bus::SYSTEM_BUS_SOCKET;
use crate::world::World;

/// A daemon that nobody has needed for so long ends.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// So long a daemon that has given up its name waits for calls that were on their way.
const LAST_CALLS: Duration = Duration::from_millis(200);
/// So long cancelled transfers may take to clean up.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// So long clients may take to hear the last.
const LAST_REPLIES: Duration = Duration::from_secs(2);
/// Between two looks at whether what still keeps an idle daemon has ended.
const GLANCE: Duration = Duration::from_secs(1);

/// systemd-importd(8).
pub fn main(world: &World) -> ExitCode {
    let (mut settings, warnings) = report::Settings::parse(|name| world.variable(name));
    settings.beside_journal = world.errors_are_journal();
    let log = Arc::new(ChangingLog::new(settings, USAGE.program));
    let reporter = Reporter::new(Arc::clone(&log) as Arc<dyn Sink>);
    for warning in warnings {
        reporter.warning(warning);
    }
    let result =
        parse(&world.args)
            .map_err(Error::from)
            .and_then(|(options, instead)| match instead {
                Some(instead) => print(world, &instead),
                None => serve(world, &options, log, &reporter),
            });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.error(error);
            ExitCode::FAILURE
        }
    }
}

fn print(world: &World, instead: &Instead) -> Result<(), Error> {
    let text = match instead {
        Instead::Help => help(&USAGE, &Terminal::stdout(|name| world.variable(name))),
        Instead::Version => format!("importd {VERSION}\n"),
        Instead::Introspect(path) if path == "list" => bus::list(),
        Instead::Introspect(path) => {
            bus::description(path).ok_or_else(|| Error::NoObject(path.clone()))?
        }
    };
    world.print(&text).map_err(Error::Output)
}

/// Serves until a signal comes, or nobody needs us.
fn serve(
    world: &World,
    options: &Options,
    log: Arc<ChangingLog>,
    reporter: &Reporter,
) -> Result<(), Error> {
    if options.user {
        return Err(Error::User);
    }
    umask(Mode::from_raw_mode(0o022));
    ignore_favours();
    // Before the first thread, which inherits the mask.
    let signals = SignalFd::stop_signals().map_err(Error::Signals)?;
    let notifier = notifier(world, reporter);
    let events = Arc::new(Events::new(Arc::clone(&log)));
    let service = Arc::new(service(
        world,
        options,
        log,
        (reporter, &notifier, &events),
    )?);
    let stop = Cancel::new().map_err(Error::Start)?;
    let bus = bus::keep(
        bus_address(world, options),
        Arc::clone(&service),
        Arc::clone(&events),
        stop.clone(),
    );
    bus.map_err(Error::Start)?;
    let clients = serve_varlink(world, options, &service, &stop);
    let house = House {
        service,
        events,
        notifier,
        stop,
        watchdog: watchdog(world),
        exits_when_idle: exits_when_idle(world, reporter),
    };
    house.say(&format!("READY=1\n{}", status(0)));
    house.wait(&signals);
    house.close();
    if let Some(clients) = clients {
        clients.wait(LAST_REPLIES);
    }
    Ok(())
}

/// Without it, there is still the bus.
fn serve_varlink(
    world: &World,
    options: &Options,
    service: &Arc<Service>,
    stop: &Cancel,
) -> Option<Server> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    let reporter = &service.reporter;
    let served = Entrance::open(world, root, reporter)
        .and_then(|entrance| varlink::serve(entrance, Arc::clone(service), stop.clone()));
    let complain =
        |error: &_| reporter.warning(format_args!("Varlink is not served, ignoring: {error}"));
    served.inspect_err(complain).ok()
}

fn service(
    world: &World,
    options: &Options,
    log: Arc<ChangingLog>,
    (reporter, notifier, events): (&Reporter, &Option<Arc<Notifier>>, &Arc<Events>),
) -> Result<Service, Error> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    let roots = Roots::open(root, None).map_err(crate::transfer::Error::from)?;
    let roots = roots.with_sweeper(world.program().ok());
    let variable = |name: &str| world.variable_os(name);
    let settings = Settings {
        selinux: world.has_selinux(),
        ..Settings::new(roots, USAGE.program, variable, reporter)
    };
    let activity = Activity::new();
    let teller = Teller::new(Arc::clone(&log), notifier.clone(), activity.clone());
    Ok(Service {
        manager: Manager::new(settings, vec![Arc::new(teller), Arc::clone(events) as _]),
        authority: Authority::default(),
        activity,
        log,
        reporter: reporter.clone(),
        environment: world.environment(),
    })
}

fn notifier(world: &World, reporter: &Reporter) -> Option<Arc<Notifier>> {
    let socket = world.variable_os("NOTIFY_SOCKET");
    match Notifier::new(&socket.filter(|it| !it.is_empty())?) {
        Ok(notifier) => Some(Arc::new(notifier)),
        Err(error) => {
            let what = format_args!("$NOTIFY_SOCKET cannot be used, ignoring: {error}");
            reporter.warning(what);
            None
        }
    }
}

fn bus_address(world: &World, options: &Options) -> Address {
    let given = world.variable("DBUS_SYSTEM_BUS_ADDRESS");
    match given.filter(|address| !address.is_empty()) {
        Some(address) => Address::Given(address),
        None => {
            let root = options.root.clone().unwrap_or(PathBuf::from("/"));
            Address::Socket(root.join(SYSTEM_BUS_SOCKET))
        }
    }
}

/// How often the service manager wants to hear that we live, if it does.
fn watchdog(world: &World) -> Option<Duration> {
    let us: u64 = world.variable("WATCHDOG_USEC")?.parse().ok()?;
    let for_us = world
        .variable("WATCHDOG_PID")
        .is_none_or(|pid| pid == std::process::id().to_string());
    (for_us && us > 0).then(|| Duration::from_micros(us / 2))
}

fn exits_when_idle(world: &World, reporter: &Reporter) -> bool {
    let Some(value) = world.variable("SYSTEMD_EXIT_ON_IDLE") else {
        return true;
    };
    let complain = |error: &_| {
        let what = format_args!("$SYSTEMD_EXIT_ON_IDLE makes no sense, ignoring: {error}");
        reporter.warning(what);
    };
    parse_boolean(&value).inspect_err(complain).unwrap_or(true)
}

/// A daemon that serves.
struct House {
    service: Arc<Service>,
    events: Arc<Events>,
    notifier: Option<Arc<Notifier>>,
    /// Ends what serves.
    stop: Cancel,
    watchdog: Option<Duration>,
    exits_when_idle: bool,
}

impl House {
    fn say(&self, state: &str) {
        if let Some(notifier) = &self.notifier {
            notifier.say(state);
        }
    }

    /// Until a signal asks for the end, or nobody has needed us for a while. Nothing wakes us in between but what is due then.
    fn wait(&self, signals: &SignalFd) {
        let mut barked = Instant::now();
        loop {
            let bark = self
                .watchdog
                .map(|time| time.saturating_sub(barked.elapsed()));
            let due = bark.into_iter().chain(self.next_look()).min();
            let due = due.and_then(|time| Timespec::try_from(time).ok());
            let _ = poll(&mut [PollFd::new(signals, PollFlags::IN)], due.as_ref());
            if signals.take() {
                return;
            }
            if self.watchdog.is_some_and(|time| barked.elapsed() >= time) {
                barked = Instant::now();
                self.say("WATCHDOG=1");
            }
            // What still sweeps would be ended with us.
            let idle = self.is_idle_for(IDLE_TIME) && !has_children();
            if self.exits_when_idle && idle && self.leave() {
                return;
            }
        }
    }

    /// When to look again whether anybody needs us, if that matters. Whoever does now does not keep us for less than an idle
    /// time from now.
    fn next_look(&self) -> Option<Duration> {
        let idle = self.service.activity.idle_for().unwrap_or_default();
        let left = IDLE_TIME.saturating_sub(idle);
        let look = if left.is_zero() { GLANCE } else { left };
        self.exits_when_idle.then_some(look)
    }

    fn is_idle_for(&self, time: Duration) -> bool {
        self.service
            .activity
            .idle_for()
            .is_some_and(|idle| idle >= time)
    }

    /// Gives up the name, so that the next call starts another daemon, and answers what was on its way. False if somebody has
    /// come with that: then we stay, under our name.
    fn leave(&self) -> bool {
        self.events.give_up_name();
        std::thread::sleep(LAST_CALLS);
        let leaves = self.is_idle_for(LAST_CALLS) && self.service.activity.close();
        if !leaves {
            self.events.take_name();
        }
        leaves
    }

    /// Ends everything that is under way, tells whom it concerns, and goes.
    fn close(&self) {
        self.say("STOPPING=1\nSTATUS=Cancelling what is under way");
        let left = self.service.manager.stop(STOP_PATIENCE);
        if left > 0 {
            let what = format_args!("Transfers that do not end in time, leaving them: {left}");
            self.service.reporter.warning(what);
        }
        self.events.flush();
        self.stop.cancel();
    }
}
