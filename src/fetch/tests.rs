//! The room against small servers of its own on the loopback interface, which behave and misbehave.

mod cancelling;
mod files;
mod kit;
mod proxies;
mod redirects;
mod responses;
mod retrying;
mod tls;
