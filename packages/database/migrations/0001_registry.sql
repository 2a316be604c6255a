-- Who uses: organizations own projects for life, a project has devices. What nobody declared but somebody sent is created
-- on first sight and marked discovered. Names are unique, because usage arrives by name.
create table organizations (
  id bigint generated always as identity primary key,
  slug text not null,
  name text,
  discovered boolean not null default false,
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  constraint organization_slug_is_unique unique (slug)
);

create table projects (
  id bigint generated always as identity primary key,
  organization_id bigint not null references organizations (id),
  slug text not null,
  name text,
  discovered boolean not null default false,
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  constraint project_slug_is_unique_in_its_organization unique (organization_id, slug)
);

create table devices (
  id bigint generated always as identity primary key,
  project_id bigint not null references projects (id),
  slug text not null,
  discovered boolean not null default false,
  first_seen_at timestamptz not null default now(),
  -- To the minute: a row per device and minute is written, not one per message.
  last_seen_at timestamptz,
  constraint device_slug_is_unique_in_its_project unique (project_id, slug)
);

-- How much was discovered in an hour: any publisher can invent names, so there is a cap per organization and hour.
-- Organization 0 stands for the whole installation and counts new organizations in `projects`.
create table provisioning (
  organization_id bigint not null,
  hour timestamptz not null,
  projects integer not null default 0,
  devices integer not null default 0,
  primary key (organization_id, hour)
);
