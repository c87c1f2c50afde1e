//! Who is asked beside the lines when they cannot tell: what is held, which trades were untold, whether all agrees.

use crate::address::Address;
use crate::bookkeeper::BookkeeperMsg;
use crate::reconciler::ReconcilerMsg;
use highwire_links::InstrumentId;

/// Whoever there is; nobody where no orders go.
#[derive(Clone, Debug, Default)]
pub struct Keepers {
    /// Asks what the venue holds for us.
    pub books: Option<Address<BookkeeperMsg>>,
    /// Holds our figures against the venue's.
    pub reconciler: Option<Address<ReconcilerMsg>>,
}

impl Keepers {
    /// A private line is up: what one before it kept back must be asked for.
    pub(super) fn line_is_back(&self) {
        self.ask(BookkeeperMsg::Look, Some(ReconcilerMsg::Gap));
    }

    /// The venue says that funds moved by no trade.
    pub(super) fn funds_moved(&self) {
        self.ask(BookkeeperMsg::Look, Some(ReconcilerMsg::Look));
    }

    /// An order ended with trades untold.
    pub(super) fn untold(&self, id: u64, instrument: InstrumentId) {
        self.ask(BookkeeperMsg::Untold(id, instrument), None);
    }

    /// Whoever is gone is being stopped.
    fn ask(&self, books: BookkeeperMsg, reconciler: Option<ReconcilerMsg>) {
        let _gone = self.books.as_ref().map(|keeper| keeper.cast(books));
        let _gone = self.reconciler.as_ref().zip(reconciler).map(|(keeper, message)| keeper.cast(message));
    }
}
