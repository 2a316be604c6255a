-- Which of several installations this is, for what they share: two that read one topic of one broker each need a session of
-- their own there. Databases that are restored from one backup have the same.
create table installation (
  -- One row.
  is_only boolean primary key default true,
  id uuid not null default gen_random_uuid(),
  constraint installation_is_one check (is_only)
);
insert into installation default values;

-- The form of the notifications that ordered the ledger's rows: sequencers of the other one do not compare with them. Kept when
-- the bucket is declared to send none. Null: none was ever declared.
alter table buckets add column sequencer_form text
  constraint bucket_sequencer_form_is_known check (sequencer_form in ('s3', 'eventbridge'));
update buckets set sequencer_form = coalesce(declaration -> 'notifications' ->> 'form', 's3')
where declaration -> 'notifications' ->> 'kind' <> 'none';
