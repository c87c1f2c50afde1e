//! The outbox: a small file in memory that every order is written to before it leaves, and that outlives the process.
//!
//! A record goes over a ring to the journal's thread, which may be in the midst of a sync: what leaves meanwhile would be
//! on record nowhere after a `kill -9`. A file on a file system in memory (`/dev/shm`), mapped, waits for no disk and no call,
//! so the thread that sends can write it. It does not outlive the machine, nor need it: after a loss of power the venues are asked.
//!
//! A header says whose it is and up to which order the journal has everything; then places for orders, used in turn.

use super::entry::{Entry, Stamped};
use super::{frame, mapping};
use highwire_links::Nanos;
use highwire_links::order::Order;
use highwire_links::outbox::{Marker, Outbox};
use memmap2::MmapMut;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes of a place, and of the header.
const PLACE: usize = 128;
/// Orders that it holds: what a block of leased ids allows. The journal's thread has all but the newest few.
const PLACES: u64 = 4096;
const MAGIC: [u8; 8] = *b"HWOUTBOX";
const HEADER: usize = 28;

/// The sending thread's end.
#[derive(Debug)]
pub struct OutboxFile {
    places: MmapMut,
    noted: u64,
    frame: Vec<u8>,
}

/// The journal thread's end.
#[derive(Debug)]
pub struct Mark {
    file: File,
    path: PathBuf,
    epoch: u16,
}

/// What a process left in its outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// The epoch of its order ids.
    pub epoch: u16,
    /// Orders above the last one that its journal's thread had written, oldest first.
    pub orders: Vec<Stamped>,
}

/// The outbox of a journal's folder, in a folder in memory.
pub fn path(memory: &Path, journal: &Path) -> PathBuf {
    let whole = journal.canonicalize().unwrap_or_else(|_| journal.to_owned());
    memory.join(format!("highwire-{:08x}.outbox", crc32fast::hash(whole.as_os_str().as_encoded_bytes())))
}

/// An empty outbox for this epoch in place of whatever is there.
///
/// # Errors
/// What the system says; another user's file is not replaced.
pub fn create(path: &Path, epoch: u16) -> io::Result<(OutboxFile, Mark)> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    // Memory that is only promised can be missing when it is needed.
    file.write_all_at(&vec![0; PLACE * (PLACES as usize + 1)], 0)?;
    file.write_all_at(&header(epoch, 0), 0)?;
    let places = mapping::map(&file, PLACE, PLACE * PLACES as usize)?;
    let mark = Mark { file, path: path.to_owned(), epoch };
    Ok((OutboxFile { places, noted: 0, frame: Vec::with_capacity(PLACE) }, mark))
}

/// What lies there; `None` when there is none of ours, or none that is whole.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<Option<Left>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let (mut bytes, ours) = (Vec::new(), fs::metadata("/proc/self")?.uid());
    if file.metadata()?.uid() != ours {
        return Ok(None);
    }
    file.read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Left> {
    let head: &[u8; HEADER] = bytes.first_chunk()?;
    let epoch = u16::try_from(u64::from_le_bytes(*head[8..].first_chunk()?)).ok()?;
    let recorded = u64::from_le_bytes(*head[16..].first_chunk()?);
    if *head != header(epoch, recorded) {
        return None;
    }
    let places = bytes.get(PLACE..)?.chunks(PLACE).filter_map(|place| frame::read(place)?.stamped());
    let is_new = |noted: &Stamped| matches!(&noted.entry, Entry::Intent(order) if order.id > recorded);
    let mut orders: Vec<Stamped> = places.filter(is_new).collect();
    orders.sort_unstable_by_key(|noted| noted.sequence);
    Some(Left { epoch, orders })
}

fn header(epoch: u16, recorded: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&u64::from(epoch).to_le_bytes());
    header[16..24].copy_from_slice(&recorded.to_le_bytes());
    let sum = crc32fast::hash(&header[..24]).to_le_bytes();
    header[24..].copy_from_slice(&sum);
    header
}

impl Outbox for OutboxFile {
    fn note(&mut self, order: &Order, now: Nanos) -> bool {
        self.frame.clear();
        frame::write(self.noted, 0, now, &Entry::Intent(*order), &mut self.frame);
        let at = PLACE * (self.noted % PLACES) as usize;
        self.noted += 1;
        let place = self.places.get_mut(at..at + PLACE).and_then(|place| place.get_mut(..self.frame.len()));
        place.map(|place| place.copy_from_slice(&self.frame)).is_some()
    }
}

impl Marker for Mark {
    fn recorded(&mut self, id: u64) -> bool {
        self.file.write_all_at(&header(self.epoch, id), 0).is_ok()
    }

    fn close(&mut self) {
        // One that stays says the same.
        let _gone = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::ids::{InstrumentId, Side};
    use highwire_links::mode::OrderClass;
    use highwire_links::order::{Action, TimeInForce};
    use highwire_links::{Px, Qty};

    fn order(id: u64) -> Order {
        Order {
            id,
            group: u64::MAX,
            px: Px(i64::MAX),
            qty: Qty(i64::MIN),
            decided_ns: 1,
            stamp: 2,
            instrument: InstrumentId(3),
            side: Side::Sell,
            tif: TimeInForce::PostOnly,
            class: OrderClass::Hedge,
            action: Action::Place,
            reduce_only: true,
        }
    }

    fn ids(left: &Left) -> Vec<u64> {
        let id = |noted: &Stamped| if let Entry::Intent(order) = noted.entry { order.id } else { 0 };
        left.orders.iter().map(id).collect()
    }

    #[test]
    fn what_was_noted_and_not_recorded_is_found_in_order_also_after_the_places_were_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), folder.path());
        assert_eq!(read(&path).unwrap(), None);
        let (mut outbox, mut mark) = create(&path, 7).unwrap();
        assert!((1..=PLACES + 10).all(|id| outbox.note(&order(id), id)));
        assert!(mark.recorded(PLACES));
        drop(outbox);
        let left = read(&path).unwrap().unwrap();
        assert_eq!((left.epoch, ids(&left)), (7, (PLACES + 1..=PLACES + 10).collect()));
        assert_eq!(left.orders[0].entry, Entry::Intent(order(PLACES + 1)));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let (_outbox, mut mark) = create(&path, 8).unwrap();
        assert_eq!(read(&path).unwrap(), Some(Left { epoch: 8, orders: vec![] }));
        mark.close();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn no_damage_invents_an_order_and_a_damaged_header_hides_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let (mut outbox, _mark) = create(&path, 1).unwrap();
        (1..=3).for_each(|id| assert!(outbox.note(&order(id), id)));
        let whole = fs::read(&path).unwrap();
        for at in (0..HEADER).chain(PLACE..PLACE * 4) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            match parse(&bytes) {
                None => assert!(at < HEADER),
                Some(left) => assert!(ids(&left).iter().all(|id| (1..=3).contains(id)) && ids(&left).len() >= 2),
            }
        }
        assert!((0..PLACE * 4).all(|len| parse(&whole[..len]).is_none_or(|left| left.orders.len() <= 3)));
    }
}
