//! A real nats-server as a child process on free ports, in a directory of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use foldgate_log::JetStream;
use foldgate_log::jetstream::{Init, Options, init};
use tempfile::TempDir;

/// What a server is to be.
#[derive(Clone, Default)]
pub(crate) struct Shape {
    /// Its JetStream domain.
    pub(crate) domain: Option<&'static str>,
    /// Another server's port for leaf links, to join it as a leaf.
    pub(crate) joins: Option<u16>,
    /// It acknowledges before it syncs.
    pub(crate) weak: bool,
    /// The files of its certificate and of the key to it.
    pub(crate) tls: Option<[PathBuf; 2]>,
    /// Who may come in, instead of the users with passwords.
    pub(crate) accounts: Option<String>,
    /// Its own and the other servers' ports for routes, its own first.
    pub(crate) routes: Vec<u16>,
}

/// What a node that only follows may do, and no more.
const NODE_PUBLISHES: &str = r#""$JS.API.STREAM.INFO.FOLDGATE_LOG", "$JS.API.STREAM.MSG.GET.FOLDGATE_LOG", "$JS.API.DIRECT.GET.FOLDGATE_LOG", "$JS.API.DIRECT.GET.FOLDGATE_SLEEP", "$JS.API.DIRECT.GET.FOLDGATE_SLEEP_OTHERS", "$JS.API.STREAM.INFO.FOLDGATE_SLEEP_OTHERS", "foldgate.sleep.>", "foldgate.made", "foldgate.heartbeat.>", "foldgate.usage.>""#;
const NODE_HEARS: &str =
    r#""_INBOX.>", "foldgate.fold.>", "foldgate.sleep.>", "foldgate.made", "foldgate.heartbeat.>""#;

pub(crate) struct NatsServer {
    child: Child,
    config: PathBuf,
    pub(crate) port: u16,
    pub(crate) monitor: u16,
    pub(crate) leaf: u16,
    dir: TempDir,
}

impl NatsServer {
    pub(crate) fn start() -> Self {
        Self::shaped(&Shape::default())
    }

    pub(crate) fn shaped(shape: &Shape) -> Self {
        Self::begun(shape).expect("nats-server starts within five tries")
    }

    /// `None` where somebody took its ports five times in a row.
    fn begun(shape: &Shape) -> Option<Self> {
        for _ in 0..5 {
            let dir = TempDir::new().unwrap();
            let ports = free_ports();
            let config = dir.path().join("nats.conf");
            std::fs::write(&config, text(shape, ports, dir.path())).unwrap();
            let mut server = Self {
                child: spawn(&config),
                config,
                port: ports[0],
                monitor: ports[1],
                leaf: ports[2],
                dir,
            };
            if server.answers() {
                return Some(server);
            }
        }
        None
    }

    /// Three servers that form a cluster.
    pub(crate) fn cluster() -> [Self; 3] {
        for _ in 0..5 {
            // All must know the ports of all: if one is taken meanwhile, they change.
            let routes = free_ports();
            let servers = [0, 1, 2].map(|first| {
                let mut routes = routes.to_vec();
                routes.rotate_left(first);
                Self::begun(&Shape {
                    routes,
                    ..Shape::default()
                })
            });
            if let [Some(first), Some(second), Some(third)] = servers {
                return [first, second, third];
            }
        }
        panic!("no cluster started five times in a row");
    }

    /// The name it goes by.
    pub(crate) fn name(&self) -> String {
        format!("n{}", self.port)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Starts it again on the same ports with the same files.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.config);
        assert!(self.answers(), "nats-server did not start again");
    }

    /// From its next start on it acknowledges before it syncs, or no longer does.
    pub(crate) fn weaken(&self, weak: bool) {
        let (strong, lax) = ("sync_interval: always", "sync_interval: \"2m\"");
        let (from, to) = if weak { (strong, lax) } else { (lax, strong) };
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from));
        std::fs::write(&self.config, text.replace(from, to)).unwrap();
    }

    /// Kills it, and keeps a copy of what it has stored.
    pub(crate) fn back_up(&mut self) -> TempDir {
        self.kill();
        let copy = TempDir::new().unwrap();
        copy_dir(&self.dir.path().join("store"), copy.path());
        copy
    }

    /// Starts it, after it was killed, with what it had stored then.
    pub(crate) fn restore(&mut self, copy: &TempDir) {
        let store = self.dir.path().join("store");
        std::fs::remove_dir_all(&store).unwrap();
        copy_dir(copy.path(), &store);
        self.restart();
    }

    /// Ends it, cuts a file of its copy of the log off in the middle, and starts it
    /// again. It ends in good order: then it will not write the lost part anew from
    /// what it has agreed upon with the others.
    pub(crate) fn damage(&mut self) {
        self.signal("TERM");
        self.child.wait().unwrap();
        let copy = "store/jetstream/FOLDGATE/streams/FOLDGATE_LOG/msgs";
        let blocks = std::fs::read_dir(self.dir.path().join(copy)).unwrap();
        let mut blocks: Vec<PathBuf> = blocks
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "blk"))
            .collect();
        blocks.sort();
        let file = std::fs::OpenOptions::new().write(true).open(&blocks[0]);
        let file = file.unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        self.restart();
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://control:c%40p%3Aw@127.0.0.1:{}", self.port)
    }

    pub(crate) fn system_url(&self) -> String {
        format!("nats://sys:syspw@127.0.0.1:{}", self.port)
    }

    pub(crate) fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor)
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            urls: self.url(),
            name: "test".to_owned(),
            region: "east".to_owned(),
            monitor_url: Some(self.monitor_url()),
            ..Options::default()
        }
    }

    /// Creates the log and opens it.
    pub(crate) async fn log(&self) -> JetStream {
        init(&self.options(), &Init::default()).await.unwrap();
        self.open().await
    }

    pub(crate) async fn open(&self) -> JetStream {
        JetStream::open(self.options()).await.unwrap()
    }

    /// A client of its own, to do what the log's own code never does.
    pub(crate) async fn client(&self) -> async_nats::Client {
        async_nats::ConnectOptions::with_user_and_password("control".into(), "c@p:w".into())
            .connect(format!("nats://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }

    fn answers(&mut self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(shape: &Shape, ports: [u16; 3], dir: &Path) -> String {
    let [port, monitor, leaf] = ports;
    let store = dir.join("store").display().to_string();
    let domain = shape.domain.map(|name| format!("domain: {name},"));
    let sync = if shape.weak {
        ""
    } else {
        "sync_interval: always"
    };
    let leafnodes = match shape.joins {
        None => format!("listen: 127.0.0.1:{leaf}"),
        Some(hub) => format!(
            "reconnect: \"1s\"\n  remotes: [ {{ urls: [ \"nats://control:c%40p%3Aw@127.0.0.1:{hub}\" ], account: FOLDGATE }} ]"
        ),
    };
    let cluster = shape.routes.first().map(|own| {
        let others = shape.routes[1..].iter();
        let others: Vec<_> = others
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .collect();
        format!(
            "cluster {{ name: c, listen: 127.0.0.1:{own}, routes: [ {} ] }}",
            others.join(", ")
        )
    });
    let tls = shape.tls.as_ref().map(|files| {
        let [cert, key] = files.each_ref().map(|file| file.display());
        format!("tls {{ cert_file: \"{cert}\", key_file: \"{key}\", timeout: 5 }}")
    });
    format!(
        "server_name: n{port}
{}
{}
{}
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitor}
jetstream {{ store_dir: \"{store}\", {} max_mem: 64MB, max_file: 16GB, {sync} }}
leafnodes {{
  {leafnodes}
}}
",
        cluster.unwrap_or_default(),
        tls.unwrap_or_default(),
        shape.accounts.clone().unwrap_or_else(passwords),
        domain.unwrap_or_default()
    )
}

fn passwords() -> String {
    format!(
        "accounts {{
  SYS: {{ users: [ {{ user: sys, password: syspw }} ] }}
  FOLDGATE: {{ jetstream: enabled, users: [ {{ user: control, password: \"c@p:w\" }}, {{ user: node, password: nodepw, permissions: {{
    publish: {{ allow: [ {NODE_PUBLISHES} ] }}, subscribe: {{ allow: [ {NODE_HEARS} ] }} }} }},
    {{ user: mute, password: mutepw, permissions: {{ publish: {{ deny: [ \"$JS.>\" ] }} }} }} ] }}
}}
system_account: SYS
"
    )
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn spawn(config: &Path) -> Child {
    // Should this process be killed, the server goes with the thread that began it.
    let (setpriv, server) = (Path::new("/usr/bin/setpriv"), binary());
    let mut command = if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL"]).arg(server);
        command
    } else {
        Command::new(server)
    };
    command
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn binary() -> PathBuf {
    let path = match std::env::var_os("NATS_SERVER_BIN") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats-server"),
    };
    assert!(
        path.is_file(),
        "no nats-server at {}: ./tests/run installs it, or set NATS_SERVER_BIN",
        path.display()
    );
    path
}
