-- What keeps the tables small without forgetting anything that matters.

-- Batches 1 to applied_through of an epoch are applied, and have no rows of their own any more: what they said is added up
-- here. Totals are those that batch applied_through carried; the others are sums over the batches.
alter table source_epochs
  add column applied_through bigint not null default 0,
  add column through_received bigint not null default 0,
  add column through_rejected bigint not null default 0,
  add column through_accepted bigint not null default 0,
  add column through_counted bigint not null default 0,
  add column through_duplicate bigint not null default 0,
  add column through_conflicting bigint not null default 0,
  add column through_invalid bigint not null default 0,
  add column through_unmetered bigint not null default 0,
  add column through_unattributed bigint not null default 0,
  add column through_dead bigint not null default 0;

-- Claims batches for the running transaction; of one that is applied already nothing is returned.
--
-- A batch that a compaction has just deleted could be inserted again: the insert sees that its row is gone, but its
-- snapshot is older than the compaction. So the next statement looks again. In a volatile function it has a snapshot of its
-- own, and since the insert had to wait for the deletion to be committed, that snapshot sees applied_through with it.
-- A function, because the second look would else be another round trip of every applying transaction.
create function claim_batches(
  epochs bigint[], seqs bigint[], received bigint[], rejected bigint[], accepted bigint[], items integer[]
) returns table (epoch bigint, seq bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  inserted_epochs bigint[];
  inserted_seqs bigint[];
  claimed integer;
begin
  with inserted as (
    insert into applied_batches (epoch, seq, received, rejected, accepted, items, counted)
    select b.epoch, b.seq, b.received, b.rejected, b.accepted, b.items, b.items
    from unnest($1, $2, $3, $4, $5, $6) as b (epoch, seq, received, rejected, accepted, items)
    order by b.epoch, b.seq
    on conflict do nothing
    returning epoch, seq
  )
  select array_agg(i.epoch), array_agg(i.seq) into inserted_epochs, inserted_seqs from inserted i;

  return query
    select i.epoch, i.seq
    from unnest(inserted_epochs, inserted_seqs) as i (epoch, seq)
    left join source_epochs e on e.epoch = i.epoch
    where i.seq > coalesce(e.applied_through, 0);
  get diagnostics claimed = row_count;

  if claimed < cardinality(inserted_epochs) then
    delete from applied_batches a
    using unnest(inserted_epochs, inserted_seqs) as i (epoch, seq)
    join source_epochs e on e.epoch = i.epoch
    where i.seq <= e.applied_through and a.epoch = i.epoch and a.seq = i.seq;
  end if;
end
$$;

-- How far the walk through each partition of event_keys has come. An index on last_seen_on would cost every insert.
create table event_key_walks (
  partition text primary key,
  next_block bigint not null
);

-- Raw events before kept_from are not kept: whoever needs them refuses rather than undercount. It is moved at least an
-- hour before the first event goes, so that a query which began before sees all of them.
create table event_retention (
  singleton boolean primary key default true,
  kept_from timestamptz not null default '-infinity',
  moved_at timestamptz not null default now(),
  constraint event_retention_has_one_row check (singleton)
);
insert into event_retention default values;
