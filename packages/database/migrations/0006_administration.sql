-- Keys are stored as hashes and shown once. A key without an organization may write and read for all.
create table api_keys (
  id bigint generated always as identity primary key,
  name text not null,
  -- SHA-256 of the secret, hex. The secret has 256 bits of its own, so a slow hash would protect nothing.
  hash text not null,
  organization text,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint api_key_hash_is_unique unique (hash),
  constraint api_key_scopes_are_known check (scopes <@ array['ingest', 'read', 'admin'] and scopes <> '{}')
);

-- What administrators did.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);

-- Declared with `odometer apply`; the declaration is validated before it gets here.
create table webhooks (
  name text primary key,
  declaration jsonb not null,
  updated_at timestamptz not null default now()
);
