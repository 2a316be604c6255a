-- Epochs name batches for ever, also those that wait in Redis when an older Postgres is restored. Counted on from the restored
-- state an epoch would be given out a second time, and one of two batches with the same number be taken for the other, in
-- silence. So an epoch is at least the time it is opened, in microseconds: whatever was given out before is smaller.

create function next_source_epoch() returns bigint language plpgsql as $$
begin
  -- Two that open at once must not read the same greatest epoch; it is held for the moment of one insert.
  perform pg_advisory_xact_lock(hashtextextended('next_source_epoch', 0));
  -- At least one more than the last, because a clock may be set back.
  return greatest(
    floor(extract(epoch from clock_timestamp()) * 1000000)::bigint,
    coalesce((select max(epoch) from source_epochs), 0) + 1
  );
end
$$;

alter table source_epochs
  alter column epoch drop identity,
  alter column epoch set default next_source_epoch();
