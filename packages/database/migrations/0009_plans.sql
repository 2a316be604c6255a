-- A plan is versioned: declaring other limits makes a new version, in force from then on. A month is billed by the version
-- in force at its end, of the plan the organization had then.
create table plans (
  id bigint generated always as identity primary key,
  slug text not null,
  version integer not null,
  name text,
  -- ISO 4217; amounts are in its minor unit.
  currency text not null,
  valid_from timestamptz not null default now(),
  constraint plan_version_is_unique unique (slug, version),
  constraint plan_currency_is_a_code check (currency ~ '^[A-Z]{3}$')
);

create table plan_limits (
  plan_id bigint not null references plans (id),
  -- A meter's slug, or what is counted in the registry: `projects`, `users`, `devices`.
  resource text not null,
  scope text not null,
  -- Null: unlimited.
  included numeric,
  -- A hard limit refuses, a soft one charges or only tells.
  hard boolean not null default false,
  -- Minor units of the plan's currency for one unit beyond what is included; exact. Null: overage costs nothing.
  price_per_unit numeric,
  primary key (plan_id, resource, scope),
  constraint plan_limit_scope_is_known check (scope in ('organization', 'project')),
  constraint plan_limit_is_not_negative check (included >= 0 and price_per_unit >= 0),
  constraint unlimited_has_no_price check (included is not null or price_per_unit is null)
);

-- Which plan an organization has since when.
create table organization_plans (
  organization_id bigint not null references organizations (id),
  since timestamptz not null,
  -- Null: none any more.
  plan text,
  primary key (organization_id, since)
);

-- Users are the application's: it tells how many an organization has, and since when, because a month is billed by the
-- number at its end and closed days later.
create table organization_users (
  organization_id bigint not null references organizations (id),
  since timestamptz not null,
  users bigint not null,
  primary key (organization_id, since),
  constraint organization_users_is_not_negative check (users >= 0)
);

-- Room that somebody has asked for and not used yet.
--   open → released (by the usage that carries its id, or by hand) or expired
create table limit_reservations (
  id uuid primary key default gen_random_uuid(),
  organization_id bigint not null references organizations (id),
  -- Null: of the organization only.
  project_id bigint references projects (id),
  resource text not null,
  quantity numeric not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  released_at timestamptz,
  released_by text,
  constraint reservation_quantity_is_positive check (quantity > 0),
  constraint reservation_is_released_by_somebody check ((released_at is null) = (released_by is null)),
  constraint reservation_releaser_is_known check (released_by in ('usage', 'hand'))
);
create index limit_reservations_open on limit_reservations (organization_id, resource, expires_at) where released_at is null;
