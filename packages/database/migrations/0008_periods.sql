-- Days, months that are closed, and what arrives after that.

-- From hours; refreshed when an hour of an open month changed. A project without usage has no rows here: the view shows
-- its zeros. A gauge's row holds the value at the end of the day, carried (count 0) when the day had no reading.
create table usage_daily (
  project_id bigint not null,
  day date not null,
  meter_id smallint not null,
  organization_id bigint not null,
  sum numeric not null,
  count bigint not null,
  min numeric,
  max numeric,
  last numeric,
  last_at timestamptz,
  primary key (project_id, day, meter_id)
) partition by range (day);
create index usage_daily_by_organization on usage_daily (organization_id, day);

-- Which days have hours that usage_daily does not know yet. Appliers insert, and remember after the commit what they have
-- inserted in this round; the refresher first begins a new round, waits until no applier of an older one is left (an
-- advisory lock), and only then reads hours and deletes marks. A mark can so never be deleted before its hour is read.
create table changed_days (
  project_id bigint not null,
  day date not null,
  round bigint not null,
  primary key (project_id, day, round)
);
create table refresh_round (
  singleton boolean primary key default true,
  round bigint not null default 1,
  constraint refresh_round_has_one_row check (singleton)
);
insert into refresh_round default values;

-- Months that have ended and in which every organization there was then has its row in periods.
create table drafted_months (
  month timestamptz primary key
);

-- Days for which every project has been looked at once after their end, so that gauges are carried into them.
--   no row → begun (taken_at null: what changes before it is carried into it from now on) → taken
create table snapshots (
  day date primary key,
  taken_at timestamptz
);

-- When each bell was last answered with success.
create table schedule_runs (
  schedule text primary key,
  succeeded_at timestamptz not null
);

create sequence period_acts;

-- A month of an organization. No row: open.
--   open → draft (ended, within grace or held up) → closing (usage goes to adjustments, rows are frozen) → final
create table periods (
  organization_id bigint not null references organizations (id),
  month timestamptz not null,
  state text not null,
  drafted_at timestamptz not null,
  closing_at timestamptz,
  final_at timestamptz,
  -- The order of flips, whatever the clocks of those who made them say (period_acts).
  closing_act bigint,
  final_act bigint,
  -- When its grace is over, as the worker said that looked last: how long it is, only workers are told.
  due_at timestamptz,
  -- Why it is not closed yet, or cannot go on to final; one sentence each, as of the last look.
  held_up_by text[] not null default '{}',
  forced_by text,
  forced_reason text,
  -- What limits of the organization's scope cost, in minor units; projects' own are in project_months.
  charges jsonb not null default '[]',
  -- Whole, but not bigint: no quantity that somebody invents may make the close of a month overflow.
  overage_charge numeric not null default 0,
  currency text,
  exceeded_limits text[] not null default '{}',
  -- What the close can be recomputed from.
  manifest jsonb,
  primary key (organization_id, month),
  constraint period_month_is_whole check (date_trunc('month', month, 'UTC') = month),
  constraint period_state_is_known check (state in ('draft', 'closing', 'final')),
  constraint period_says_since_when check ((state = 'draft') = (closing_at is null) and (state = 'final') = (final_at is not null)),
  constraint period_acts_are_numbered check ((closing_at is null) = (closing_act is null) and (final_at is null) = (final_act is null)),
  constraint final_period_has_a_manifest check ((state = 'final') = (manifest is not null)),
  constraint forced_period_has_a_reason check ((forced_by is null) = (forced_reason is null))
);
-- Asked by every transaction that applies usage: which of its months is closed for anybody? Nearly always none.
create index periods_closed on periods (month, organization_id) where state in ('closing', 'final');

-- What a close makes of a project's month, beside the frozen rows of usage_monthly.
create table project_months (
  project_id bigint not null,
  month timestamptz not null,
  organization_id bigint not null,
  -- The plan's slug.
  tier text,
  exceeded_limits text[] not null default '{}',
  -- A line for each limit with a price: meter, included, used, overage, price_per_unit, charge.
  charges jsonb not null default '[]',
  overage_charge numeric not null default 0,
  currency text,
  -- The sums of the hashes of its rows of usage_monthly, and of the adjustments that are billed with this month.
  usage_hash numeric,
  adjustments_hash numeric,
  -- Of days of meters that have no row in usage_monthly: devices are counted by the day only.
  other_days_hash numeric,
  final boolean not null default false,
  primary key (project_id, month),
  constraint project_month_is_whole check (date_trunc('month', month, 'UTC') = month)
);
create index project_months_by_organization on project_months (organization_id, month);

alter table usage_monthly
  add column final boolean not null default false,
  -- Of a gauge: time-weighted over the month, from its readings; the value before the first one is carried in.
  add column average numeric,
  -- Of a counter: all final months up to this one, and the adjustments billed in them.
  add column lifetime numeric,
  -- Order-independent: the sums of the rows' hashes.
  add column hours integer,
  add column hours_hash numeric,
  add column days_hash numeric;
drop index usage_monthly_by_organization;
create index usage_monthly_by_organization on usage_monthly (organization_id, month, meter_id);

-- How many devices were active on a day, for each project.
create index device_days_by_day on device_days (day, project_id);

-- Usage of a month that is closed: names the hour it belongs to, billed in a month that was open when it came.
create table usage_adjustments (
  id bigint generated always as identity primary key,
  organization_id bigint not null,
  project_id bigint not null,
  meter_id smallint not null,
  hour timestamptz not null,
  billed_month timestamptz not null,
  sum numeric not null,
  count bigint not null,
  min numeric,
  max numeric,
  last numeric,
  last_at timestamptz,
  created_at timestamptz not null default now(),
  constraint adjustment_hour_is_whole check (date_trunc('hour', hour, 'UTC') = hour),
  constraint adjustment_is_billed_after_its_month check (
    date_trunc('month', billed_month, 'UTC') = billed_month and billed_month > hour
  )
);
create index usage_adjustments_by_organization on usage_adjustments (organization_id, billed_month);
create index usage_adjustments_by_project on usage_adjustments (project_id, hour);

-- Levels as they were read; from them peaks and time-weighted averages are worked out. A missed reading is carried.
create table gauge_readings (
  project_id bigint not null,
  meter_id smallint not null,
  at timestamptz not null,
  organization_id bigint not null,
  value numeric not null,
  -- It came when its month was closed: it has no part in the month's average.
  late boolean not null default false,
  primary key (project_id, meter_id, at)
) partition by range (at);

-- A meter that is created later counts back what came before it. An event carries the version of the catalogue it was
-- applied with: those of a lower version than the meter's are counted back, the others were counted as they came. A clock
-- or a transaction id would not do: one may be set back, the other does not survive a restore.
alter table events add column catalogue_version bigint not null default 0;
alter table meters
  add column catalogue_version bigint not null default 0,
  -- Null while events are still counted back: until then only raw events know all. Months closed before it are not
  -- in the rollups.
  add column counted_back_at timestamptz default '-infinity',
  -- Events before (time, key) are counted back.
  add column count_back_time timestamptz,
  add column count_back_key uuid,
  -- Which job goes on with it; any other is out of date, so there is never more than one at it.
  add column count_back_part integer not null default 0,
  add column name text,
  add column description text,
  add column metadata jsonb not null default '{}',
  add column updated_at timestamptz not null default now();

-- Whose job it was and since when, so that a close knows whether it has to wait for it. Null: nobody can tell.
alter table dead_letters
  add column organizations text[],
  add column accepted_at timestamptz;

-- Final is final, whoever writes. Triggers on hours and days would cost every apply, so a month's partitions get theirs
-- when its first organization is about to become final (freeze_month). Both what a row was and what it becomes are looked
-- at: it may neither leave a final month nor come into one.
create function refuse_final_month() returns trigger language plpgsql as $$
declare
  candidate jsonb;
  row_month timestamptz;
begin
  foreach candidate in array array[
    case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end
  ] loop
    row_month := case tg_argv[0]
      when 'day' then date_trunc('month', (candidate ->> 'day')::date::timestamp) at time zone 'UTC'
      else date_trunc('month', (candidate ->> tg_argv[0])::timestamptz, 'UTC')
    end;
    if exists (
      select from periods p
      where p.organization_id = (candidate ->> 'organization_id')::bigint and p.month = row_month and p.state = 'final'
    ) then
      raise exception 'month % of organization % is final and never changes',
        to_char(row_month at time zone 'UTC', 'YYYY-MM'), candidate ->> 'organization_id'
        using errcode = 'check_violation', constraint = 'final_month_never_changes', table = tg_table_name;
    end if;
  end loop;
  return case when tg_op = 'DELETE' then old else new end;
end
$$;

create function refuse_truncate() returns trigger language plpgsql as $$
begin
  if exists (select from periods where state = 'final') then
    raise exception '% holds months that are final and never change', tg_table_name
      using errcode = 'check_violation', constraint = 'final_month_never_changes', table = tg_table_name;
  end if;
  return null;
end
$$;

create trigger final_month_never_changes before update on usage_monthly
  for each row when (
    old.final or old.organization_id <> new.organization_id or old.month <> new.month or old.project_id <> new.project_id
  ) execute function refuse_final_month('month');
create trigger final_month_loses_no_rows before delete on usage_monthly
  for each row when (old.final) execute function refuse_final_month('month');
-- After, because before would be asked for every row of an upsert that ends as an update.
create trigger final_month_gets_no_rows after insert on usage_monthly
  for each row execute function refuse_final_month('month');
create trigger final_month_never_changes before update or delete on project_months
  for each row when (old.final) execute function refuse_final_month('month');
create trigger final_month_gets_no_rows after insert or update on project_months
  for each row execute function refuse_final_month('month');
create trigger final_month_never_changes before insert or update or delete on usage_adjustments
  for each row execute function refuse_final_month('billed_month');
create trigger final_month_never_changes before update or delete on periods
  for each row when (old.state = 'final') execute function refuse_final_month('month');
create trigger final_month_is_not_truncated before truncate on usage_monthly execute function refuse_truncate();
create trigger final_month_is_not_truncated before truncate on project_months execute function refuse_truncate();
create trigger final_month_is_not_truncated before truncate on usage_adjustments execute function refuse_truncate();
create trigger final_month_is_not_truncated before truncate on periods execute function refuse_truncate();

create or replace function create_month_partitions(from_time timestamptz, to_time timestamptz) returns integer
language plpgsql as $$
declare
  parent text;
  month timestamptz;
  next_month timestamptz;
  name text;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('odometer.partitions'));
  for month in
    select generate_series(date_trunc('month', from_time, 'UTC') at time zone 'UTC', to_time at time zone 'UTC', '1 month') at time zone 'UTC'
  loop
    next_month := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
    foreach parent in array array[
      'events', 'usage_hourly', 'usage_daily', 'gauge_readings', 'device_usage_daily', 'device_days'
    ] loop
      name := parent || '_' || to_char(month at time zone 'UTC', 'YYYY_MM');
      continue when to_regclass(name) is not null;
      execute format('create table %I (like %I including all)', name, parent);
      if parent in ('usage_hourly', 'device_usage_daily') then
        execute format('alter table %I set (fillfactor = 50)', name);
      end if;
      if parent = 'usage_daily' then
        execute format('alter table %I attach partition %I for values from (%L) to (%L)',
          parent, name, (month at time zone 'UTC')::date, (next_month at time zone 'UTC')::date);
      else
        execute format('alter table %I attach partition %I for values from (%L) to (%L)',
          parent, name, month, next_month);
      end if;
      created := created + 1;
    end loop;
  end loop;
  return created;
end
$$;

create function freeze_month(month_start timestamptz) returns void
language plpgsql as $$
declare
  suffix text := to_char(month_start at time zone 'UTC', 'YYYY_MM');
  parent text;
  name text;
begin
  -- One that is made later would have none.
  perform create_month_partitions(month_start, month_start);
  foreach parent in array array['usage_hourly', 'usage_daily', 'gauge_readings'] loop
    name := parent || '_' || suffix;
    continue when exists (
      select from pg_trigger where tgrelid = name::regclass and tgname = 'final_month_never_changes'
    );
    -- A reading may still come: it is kept as late.
    execute format('create trigger final_month_never_changes before %s on %I for each row execute function refuse_final_month(%L)',
      case parent when 'gauge_readings' then 'update or delete' else 'insert or update or delete' end, name,
      case parent when 'usage_hourly' then 'hour' when 'usage_daily' then 'day' else 'at' end);
    execute format('create trigger final_month_is_not_truncated before truncate on %I execute function refuse_truncate()', name);
  end loop;
end
$$;

-- The months that have partitions of the older tables get those of the new ones, and what was counted so far its days.
do $$
declare
  suffix text;
begin
  for suffix in
    select substring(c.relname from '\d{4}_\d{2}$')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'usage_hourly'::regclass
  loop
    perform create_month_partitions(month, month)
    from make_timestamptz(left(suffix, 4)::integer, right(suffix, 2)::integer, 1, 0, 0, 0, 'UTC') month;
  end loop;
end
$$;
insert into changed_days (project_id, day, round)
  select distinct project_id, (hour at time zone 'UTC')::date, 0 from usage_hourly;
