//! The talk with name servers: both kinds of address asked for at once over UDP, and over TCP where that is too small.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::Failure;
use super::message::{Answer, CODE_OK, CODE_UNKNOWN_NAME, Kind, Question};
use super::settings::Settings;
use crate::fetch::connect::connect;
use crate::fetch::socket::Socket;
use crate::fetch::wait::{random, wait};
use crate::stream::{Cancel, Cancelled};

/// How much longer the answer of the second kind may take once the first has told enough.
const SECOND_ANSWER: Duration = Duration::from_secs(1);
/// More than a server may send without having been told that it may (RFC 1035, 4.2.1).
const MAX_DATAGRAM_BYTES: usize = 4096;

/// What a server knows about a name.
pub(super) enum Reply {
    /// Invariant: not empty.
    Addresses(Vec<IpAddr>),
    Unknown {
        server: IpAddr,
    },
}

/// Asks one server after the other, in rounds, until one answers.
pub(super) fn ask(settings: &Settings, name: &str, cancel: &Cancel) -> Result<Reply, Failure> {
    let mut last = Failure::Invalid;
    for _ in 0..settings.attempts {
        for server in &settings.servers {
            let exchange = Exchange {
                server: *server,
                settings,
                cancel,
            };
            last = match exchange.run(name) {
                Err(Failure::Ask { cause, server }) if Cancelled::is_cause_of(&cause) => {
                    return Err(Failure::Ask { server, cause });
                }
                Err(Failure::Invalid) => return Err(Failure::Invalid),
                Err(failure) => failure,
                Ok(reply) => return Ok(reply),
            };
        }
    }
    Err(last)
}

struct Exchange<'a> {
    server: SocketAddr,
    settings: &'a Settings,
    cancel: &'a Cancel,
}

impl Exchange<'_> {
    fn run(&self, name: &str) -> Result<Reply, Failure> {
        let question = |kind| {
            let id = random().map_err(|cause| self.failed(cause))?;
            Question::new(id, name, kind).ok_or(Failure::Invalid)
        };
        let questions = [question(Kind::Aaaa)?, question(Kind::A)?];
        let answers = if self.settings.tcp_only {
            let over_tcp = |question| self.over_tcp(question).map(Some);
            questions.each_ref().map(over_tcp).into_iter().collect()
        } else {
            self.over_udp(&questions)
        };
        self.conclude(answers.map_err(|cause| self.failed(cause))?)
    }

    fn failed(&self, cause: io::Error) -> Failure {
        let server = self.server.ip();
        Failure::Ask { server, cause }
    }

    fn over_udp(&self, questions: &[Question; 2]) -> io::Result<Vec<Option<Answer>>> {
        let local: IpAddr = match self.server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // The kernel picks the port at random and, being connected, only lets this server's datagrams through.
        let socket = UdpSocket::bind((local, 0))?;
        socket.connect(self.server)?;
        socket.set_nonblocking(true)?;
        for question in questions {
            socket.send(&question.encode())?;
        }
        let mut answers = vec![None, None];
        let mut deadline = Instant::now() + self.settings.timeout;
        while answers.contains(&None) {
            let left = deadline.saturating_duration_since(Instant::now());
            let fds = [socket.as_fd()];
            if left.is_zero() || wait(self.cancel, &fds, PollFlags::IN, left)?.is_empty() {
                break;
            }
            let mut buffer = [0; MAX_DATAGRAM_BYTES];
            let count = match socket.recv(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                received => received?,
            };
            let message = buffer.get(..count).unwrap_or_default();
            for (question, slot) in questions.iter().zip(&mut answers) {
                let Some(mut answer) = question.answer_in(message) else {
                    continue;
                };
                if answer.truncated {
                    answer = self.over_tcp(question)?;
                }
                if !answer.addresses.is_empty() || answer.code == CODE_UNKNOWN_NAME {
                    deadline = deadline.min(Instant::now() + SECOND_ANSWER);
                }
                *slot = Some(answer);
            }
        }
        Ok(answers)
    }

    /// RFC 1035, 4.2.2: the same message, its length before it.
    fn over_tcp(&self, question: &Question) -> io::Result<Answer> {
        let timeout = self.settings.timeout;
        let stream = connect(&[self.server], timeout, self.cancel)?;
        let name = self.server.to_string();
        let mut socket = Socket::new(stream, name, self.cancel.clone(), timeout);
        let message = question.encode();
        let length = u16::try_from(message.len()).map_err(io::Error::other)?;
        socket.write_all(&[&length.to_be_bytes()[..], &message].concat())?;
        let mut length = [0; 2];
        socket.read_exact(&mut length)?;
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        socket.read_exact(&mut reply)?;
        question
            .answer_in(&reply)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn conclude(&self, answers: Vec<Option<Answer>>) -> Result<Reply, Failure> {
        let server = self.server.ip();
        let addresses = interleave(&answers);
        if !addresses.is_empty() {
            return Ok(Reply::Addresses(addresses));
        }
        let has_code = |code| {
            let said =
                move |answer: &Option<Answer>| answer.as_ref().map(|it| it.code) == Some(code);
            (answers.iter().any(said), answers.iter().all(said))
        };
        if has_code(CODE_UNKNOWN_NAME).0 || has_code(CODE_OK).1 {
            return Ok(Reply::Unknown { server });
        }
        let refused = answers
            .iter()
            .flatten()
            .find(|answer| answer.code != CODE_OK);
        Err(match refused {
            Some(answer) => Failure::Refused {
                server,
                code: answer.code,
            },
            None => Failure::NoAnswer { server },
        })
    }
}

/// The addresses of all answers in turns, so that one family that leads nowhere costs one try.
fn interleave(answers: &[Option<Answer>]) -> Vec<IpAddr> {
    let lists: Vec<&[IpAddr]> = answers
        .iter()
        .flatten()
        .map(|answer| answer.addresses.as_slice())
        .collect();
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    (0..longest)
        .flat_map(|index| {
            lists
                .iter()
                .filter_map(move |list| list.get(index).copied())
        })
        .collect()
}
