-- What is declared no more. A bucket's row stays, for what was corrected in it; that of a registry goes once it is empty.

alter table buckets
  -- Nothing is counted of it from here on; byte-hours end here. Null: it is declared.
  add column retired_at timestamptz,
  -- All that was counted of it is taken out, and its name may be declared anew.
  add column emptied_at timestamptz,
  add constraint only_a_retired_bucket_is_emptied check (emptied_at is null or retired_at is not null);
alter table measured_targets add column retired_at timestamptz;

-- Taking it out is done as measuring is: by one process at a time, in parts, and again when it fails.
alter table measurements drop constraint measurement_purpose_is_known;
alter table measurements add constraint measurement_purpose_is_known
  check (purpose in ('hourly', 'asked', 'backfill', 'reconcile', 'retire'));

create index measurements_that_retired on measurements (kind, target, id) where purpose = 'retire' and state = 'complete';

-- What is declared anew under the name has nothing to do with what was measured before.
create or replace view whole_measurements as
select id, kind, target, purpose, state, started_at, finished_at, progress, figures
from measurements m
where state in ('complete', 'refused') and options ->> 'dryRun' is distinct from 'true' and options ->> 'from' is null
  and purpose <> 'retire' and not exists (
    select from measurements r
    where r.kind = m.kind and r.target = m.target and r.purpose = 'retire' and r.state = 'complete' and r.id >= m.id
  );

alter table object_corrections drop constraint correction_reason_is_known;
alter table object_corrections add constraint correction_reason_is_known
  check (reason in ('missed_creation', 'missed_change', 'missed_removal', 'retired'));
