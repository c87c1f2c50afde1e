//! What the tests share: a sink that remembers, a way to run both tiers, and a reader of recordings.

use highwire_links::InstrumentId;
use highwire_links::decode::{Decode, Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::update::{Control, DepthHead, Level, Sink, Trade};
use highwire_venues::{InstrumentSpec, Venue, metadata, sniff};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One call of the sink.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Depth(DepthHead, Vec<Level>, Vec<Level>),
    Trade(Trade),
    Control(Control),
}

#[derive(Default)]
struct Calls(Vec<Call>);

impl Sink for Calls {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        self.0.push(Call::Depth(*head, bids.to_vec(), asks.to_vec()));
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.0.push(Call::Trade(*trade));
    }

    fn on_control(&mut self, control: Control) {
        self.0.push(Call::Control(control));
    }
}

/// What a decoder made of a frame.
pub type Outcome = (Result<FrameKind, Rejected>, Vec<Call>);

/// A venue with its directory and one scratch for each tier.
pub struct Bench {
    pub venue: Venue,
    pub directory: Directory,
    scratch: Scratch,
    second: Scratch,
    room: Vec<u8>,
}

impl Bench {
    pub fn new(venue: Venue, specs: &[InstrumentSpec]) -> Self {
        let entry = |index: usize, spec: &InstrumentSpec| Entry { id: InstrumentId(index as u16), scale: spec.scale };
        let symbols = specs.iter().enumerate().map(|(index, spec)| (spec.symbol.as_str(), entry(index, spec)));
        let (scratch, second) = ((venue.profile().scratch)(), (venue.profile().scratch)());
        Self { venue, directory: Directory::new(symbols), scratch, second, room: Vec::new() }
    }

    pub fn assumed(venue: Venue, symbols: &[&str]) -> Self {
        let specs: Vec<_> = symbols.iter().map(|symbol| InstrumentSpec::assumed(venue, symbol)).collect();
        Self::new(venue, &specs)
    }

    /// Both tiers, as on the wire.
    pub fn decode(&mut self, frame: &[u8]) -> Outcome {
        run(self.venue.profile().decode, &self.directory, &mut self.scratch, frame, &mut self.room)
    }

    /// Tier 2 alone.
    pub fn reference(&mut self, frame: &[u8]) -> Outcome {
        run(self.venue.profile().reference, &self.directory, &mut self.second, frame, &mut self.room)
    }

    /// Frames that tier 1 passed on.
    pub fn fallbacks(&self) -> u64 {
        self.scratch.fallbacks
    }
}

/// Bytes around a frame that would complete a cut one, were they read.
const AROUND: &[u8] = br#"0"}]]}"]]}}0"],["1","1"]]}}"#;

fn run(decode: Decode, directory: &Directory, scratch: &mut Scratch, frame: &[u8], room: &mut Vec<u8>) -> Outcome {
    room.clear();
    room.extend(AROUND.iter().cycle().take(FRAME_HEAD));
    room.extend_from_slice(frame);
    room.extend(AROUND.iter().cycle().take(FRAME_TAIL));
    let mut calls = Calls::default();
    let frame = Frame::new(room, frame.len()).unwrap();
    let result = decode(directory, scratch, frame, &mut calls);
    (result, calls.0)
}

/// A recording: its frames by venue, and the instruments that they are about.
pub struct Recording {
    pub name: String,
    pub frames: Vec<(Venue, Vec<u8>)>,
    pub snapshots: Vec<(Venue, String, Vec<u8>)>,
    listed: BTreeMap<(Venue, String), InstrumentSpec>,
}

/// The folder of recordings, or `None` (and a word about it) when there is none.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("HIGHWIRE_DATA").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "HIGHWIRE_DATA must be set where CI=true");
        eprintln!("SKIPPED: HIGHWIRE_DATA is not set");
    }
    folder
}

/// Whether to read every frame of every recording.
pub fn full() -> bool {
    std::env::var("HIGHWIRE_FULL").as_deref() == Ok("1")
}

/// Every recording of the venues here.
pub fn recordings(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for source in ["cryptofeed", "hftbacktest"] {
        for folder in std::fs::read_dir(data.join(source)).unwrap().map(|entry| entry.unwrap().path()) {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            if sniff::venue_of_exchange_name(&name).is_some() {
                found.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no recordings in {}", data.display());
    found
}

impl Recording {
    /// Reads a recording, at most `most` of its frames, spread over all of it.
    pub fn open(path: &Path, most: usize) -> Self {
        let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let venue = sniff::venue_of_exchange_name(folder).unwrap();
        let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
        let mut recording = Self { name, frames: Vec::new(), snapshots: Vec::new(), listed: BTreeMap::new() };
        let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
        let stride = lines.len().div_ceil(most).max(1);
        let mut venues = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            let wanted = index % stride == 0;
            if line[0] == b'{' {
                recording.envelope(venue, &mut venues, line, wanted);
            } else if wanted || line.len() > 20_000 {
                let space = line.iter().position(|&b| b == b' ').unwrap();
                recording.line(venue, &line[space + 1..]);
            }
        }
        recording
    }

    fn line(&mut self, venue: Venue, frame: &[u8]) {
        if let Some((_, symbol)) = sniff::depth_snapshot_line(frame) {
            let symbol = symbol.unwrap_or_else(|| {
                self.frames
                    .iter()
                    .find_map(|(_, frame)| sniff::venue_of_stream_frame(frame).map(|(_, symbol)| symbol))
                    .unwrap()
            });
            self.snapshots.push((venue, symbol, frame.to_vec()));
        } else {
            self.frames.push((venue, frame.to_vec()));
        }
    }

    fn envelope(&mut self, folder: Venue, venues: &mut BTreeMap<String, Venue>, line: &[u8], wanted: bool) {
        let frame = line.windows(8).take(80).any(|window| window == b": \"recv\"" || window == b"t\":\"recv");
        if frame && !wanted {
            return;
        }
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        match line["t"].as_str().unwrap() {
            "connect" => {
                venues.insert(text("conn"), sniff::venue_of_url(&text("addr")).unwrap());
            }
            "recv" => {
                let venue = venues.get(&text("conn")).copied().unwrap_or(folder);
                self.frames.push((venue, text("data").into_bytes()));
            }
            "http" => self.http(folder, &text("url"), text("data").as_bytes()),
            _ => {}
        }
    }

    fn http(&mut self, folder: Venue, url: &str, body: &[u8]) {
        let venue = sniff::venue_of_url(url).unwrap_or(folder);
        let venue = if venue == Venue::BinanceSpot { folder } else { venue };
        if let Some(symbol) = highwire_venues::rest::depth_symbol(url) {
            self.snapshots.push((venue, symbol, body.to_vec()));
        } else if highwire_venues::rest::is_metadata_url(url).is_some() {
            let listing = metadata::listing(venue, url, body).unwrap();
            eprintln!("{:>42} {} instruments, {} skipped of {url}", self.name, listing.specs.len(), listing.skipped);
            self.listed.extend(listing.specs.into_iter().map(|spec| ((venue, spec.symbol.clone()), spec)));
        }
    }

    /// The venues of its frames.
    pub fn venues(&self) -> Vec<Venue> {
        let mut venues: Vec<_> = self.frames.iter().map(|(venue, _)| *venue).collect();
        venues.sort();
        venues.dedup();
        venues
    }

    /// The instruments that a venue's frames are about, by the recorded list
    /// where there is one: what it does not list stays unknown.
    pub fn specs(&self, venue: Venue) -> Vec<InstrumentSpec> {
        let frames = self.frames.iter().filter(|(of, _)| *of == venue);
        let symbols = frames.filter_map(|(_, frame)| sniff::venue_of_stream_frame(frame)).map(|(_, symbol)| symbol);
        let mut symbols: Vec<_> = symbols.chain(self.snapshots.iter().map(|(_, symbol, _)| symbol.clone())).collect();
        symbols.sort();
        symbols.dedup();
        let has_list = self.listed.keys().any(|(of, _)| *of == venue);
        let spec = |symbol: String| match self.listed.get(&(venue, symbol.clone())) {
            Some(spec) => Some(spec.clone()),
            None if has_list => None,
            None => Some(InstrumentSpec::assumed(venue, &symbol)),
        };
        symbols.into_iter().filter_map(spec).collect()
    }

    /// Whether an instrument came from a recorded list.
    pub fn is_listed(&self, venue: Venue, symbol: &str) -> bool {
        self.listed.contains_key(&(venue, symbol.to_owned()))
    }
}
