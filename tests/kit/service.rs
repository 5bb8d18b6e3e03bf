//! A listener on 127.0.0.1 with one thread per connection. All of them end when it is dropped.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The listener and its threads.
pub(super) struct Service {
    address: SocketAddr,
    gate: Arc<Gate>,
    accepting: Option<JoinHandle<()>>,
}

/// What ends connections that wait for nothing.
#[derive(Default)]
pub(super) struct Gate {
    /// Whether the service has ended, and every socket it opened.
    state: Mutex<(bool, Vec<TcpStream>)>,
    ended: Condvar,
}

impl Service {
    /// Hands each connection to `handler` and closes it afterwards. Port 0 chooses one.
    pub(super) fn start(
        address: SocketAddr,
        handler: impl Fn(&TcpStream, &Gate) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let accepting = thread::spawn({
            let gate = gate.clone();
            move || accept(&listener, &gate, &handler)
        });
        Self {
            address,
            gate,
            accepting: Some(accepting),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn accept(listener: &TcpListener, gate: &Gate, handler: &(impl Fn(&TcpStream, &Gate) + Sync)) {
    thread::scope(|scope| {
        while let Ok((stream, _)) = listener.accept() {
            if !gate.admit(&stream) {
                return;
            }
            scope.spawn(move || {
                handler(&stream, gate);
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
    });
}

impl Gate {
    /// Has a socket shut down when the service ends; `false` if it has ended.
    pub(super) fn admit(&self, stream: &TcpStream) -> bool {
        let mut state = self.state.lock().unwrap();
        state.1.push(stream.try_clone().unwrap());
        !state.0
    }

    /// Waits for that time, or until the service ends.
    pub(super) fn hold(&self, time: Duration) {
        let state = self.state.lock().unwrap();
        let waiting = |state: &mut (bool, Vec<TcpStream>)| !state.0;
        drop(self.ended.wait_timeout_while(state, time, waiting).unwrap());
    }

    fn end(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        for stream in &state.1 {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.ended.notify_all();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.gate.end();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
