-- Everything that an experience keeps, in one file. STRICT, so that no text stands where a number should.
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL,
    at INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_owner ON orders (owner, at);
CREATE INDEX IF NOT EXISTS orders_open ON orders (place, at) WHERE state NOT IN ('cart', 'done', 'cancelled');
-- An idempotency key, the request that it stands for, and the order that came of it.
CREATE TABLE IF NOT EXISTS keys (
    owner TEXT NOT NULL, key TEXT NOT NULL, asked BLOB NOT NULL, order_id TEXT NOT NULL, PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stock (
    pile TEXT PRIMARY KEY, received INTEGER NOT NULL, free INTEGER NOT NULL CHECK (free >= 0),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0), sold INTEGER NOT NULL DEFAULT 0,
    CHECK (free + held + sold = received)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS postings (
    entry TEXT NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (entry, account)
) STRICT, WITHOUT ROWID;
-- What is owed to a customer as stored value is a debt, so never above zero.
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (account, currency),
    CHECK (account NOT LIKE 'stored:%' OR amount <= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lots (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, units INTEGER NOT NULL,
    left INTEGER NOT NULL CHECK (left BETWEEN 0 AND units), expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lots_owner ON lots (owner, expires);
CREATE TABLE IF NOT EXISTS points (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, order_id TEXT NOT NULL, at INTEGER NOT NULL, units INTEGER NOT NULL,
    taken BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS points_owner ON points (owner, at);
CREATE INDEX IF NOT EXISTS points_order ON points (order_id);
CREATE TABLE IF NOT EXISTS offers (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL, used_by TEXT NOT NULL DEFAULT '', body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS offers_owner ON offers (owner, until);
-- What the payment service was asked, or is still to be asked.
CREATE TABLE IF NOT EXISTS pays (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open', said TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS pays_open ON pays (order_id) WHERE state = 'open';
-- What happened to orders, for those who watch; and what the engine is still to be told.
CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, owner TEXT NOT NULL, place TEXT NOT NULL,
    at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS changes_order ON changes (order_id, seq);
CREATE INDEX IF NOT EXISTS changes_owner ON changes (owner, seq);
CREATE INDEX IF NOT EXISTS changes_place ON changes (place, seq);
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
-- The experience's own records, such as customers.
CREATE TABLE IF NOT EXISTS kept (kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
