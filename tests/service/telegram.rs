//! Two ways over a chat: a bot's API on loopback, an operator who asks, halts and resumes there, and a stranger who tries.

use super::run::{settings, simulator};
use super::running::Running;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

pub const CHAT: i64 = -42;

/// Plays api.telegram.org for one bot.
#[derive(Clone, Default)]
pub struct Bot(Arc<Mutex<Talk>>);

#[derive(Default)]
struct Talk {
    waiting: VecDeque<Value>,
    updates: i64,
    /// Chat and text.
    told: Vec<(i64, String)>,
}

impl Bot {
    fn serve(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, bot) = (listener.local_addr().unwrap().port(), self.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bot = bot.clone();
                std::thread::spawn(move || bot.speak(&stream));
            }
        });
        port
    }

    fn speak(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let answer = self.answer(&first, &serde_json::from_slice(&body).unwrap()).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
            (&mut &*stream).write_all((head + &answer).as_bytes())?;
        }
    }

    fn answer(&self, request: &str, body: &Value) -> Value {
        if request.contains("/getUpdates") {
            let until = Instant::now() + Duration::from_millis(200);
            while self.0.lock().unwrap().waiting.is_empty() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
            let mut talk = self.0.lock().unwrap();
            // What lies before the offset was heard.
            let offset = body["offset"].as_i64().unwrap();
            talk.waiting.retain(|update| update["update_id"].as_i64().unwrap() >= offset);
            return json!({ "ok": true, "result": talk.waiting });
        }
        let told = (body["chat_id"].as_i64().unwrap(), body["text"].as_str().unwrap().to_owned());
        self.0.lock().unwrap().told.push(told);
        json!({ "ok": true, "result": {} })
    }

    pub fn say(&self, chat: i64, who: &str, text: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut talk = self.0.lock().unwrap();
        talk.updates += 1;
        let message = json!({ "chat": { "id": chat }, "from": { "username": who }, "date": now, "text": text });
        let update = json!({ "update_id": talk.updates, "message": message });
        talk.waiting.push_back(update);
    }

    pub fn told(&self) -> Vec<(i64, String)> {
        self.0.lock().unwrap().told.clone()
    }

    /// Waits until these words were told so often.
    pub fn wait_times(&self, words: &str, times: usize) {
        let until = Instant::now() + Duration::from_secs(40);
        while self.told().iter().filter(|(_, text)| text.contains(words)).count() < times {
            assert!(Instant::now() < until, "not told {times} times: {words}: {:?}", self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for an answer with these words.
    pub fn wait(&self, words: &str) -> String {
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            let told = self.told().into_iter().rfind(|(_, text)| text.contains(words));
            if let Some((chat, text)) = told {
                assert_eq!(chat, CHAT, "{text}");
                return text;
            }
            assert!(Instant::now() < until, "never told {words}: {:?}", self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A service that hears this bot.
pub fn with_bot(config: &Path, bot: &Bot) -> Running {
    let token = config.with_file_name("token");
    std::fs::write(&token, "token-canary").unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(config).unwrap();
    let port = bot.serve();
    writeln!(file, "[alerts]\ntelegram_token = {:?}", format!("file:{}", token.display())).unwrap();
    writeln!(file, "telegram_api = \"http://127.0.0.1:{port}\"\ntelegram_chat = {CHAT}\ntelegram_commands = true")
        .unwrap();
    let running = Running::start(config);
    running.wait_mode("Full");
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_in_the_chat_asks_halts_and_resumes_with_a_code_and_a_stranger_only_raises_an_alarm() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let story = move || {
        let bot = Bot::default();
        let running = with_bot(&config, &bot);
        bot.say(CHAT, "ann", "/status");
        assert!(bot.wait("mode ").contains("Full"));
        for _ in 0..3 {
            bot.say(7, "mallory", "/halt");
        }
        bot.wait("mallory in the chat 7 gives commands");
        bot.say(CHAT, "ann", "/halt");
        bot.wait("halted: no order is open");
        running.wait_mode("Halted");
        assert!(
            running.health()["reasons"].to_string().contains("asked for by ann in the chat"),
            "{}",
            running.health()
        );
        bot.say(CHAT, "ann", "/resume 1");
        bot.wait("that is not the code");
        assert_eq!(running.health()["mode"], "Halted");
        bot.say(CHAT, "ann", "/resume");
        let code = bot.wait("say within a minute").rsplit_once(' ').unwrap().1.to_owned();
        bot.say(CHAT, "ann", &format!("/resume {code}"));
        bot.wait("cleared ");
        running.wait_mode("Full");
        let alarms = bot.told().iter().filter(|(_, text)| text.contains("Security telegram/stranger/7")).count();
        assert_eq!(alarms, 1, "{:?}", bot.told());
        assert!(bot.told().iter().all(|(chat, _)| *chat == CHAT), "a stranger gets no answer");
        assert!(!running.said().contains("token-canary"));
    };
    tokio::task::spawn_blocking(story).await.unwrap();
    simulator.stop().await;
}
