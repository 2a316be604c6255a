-- What waits for somebody is asked for every quarter of a minute, and letters and gaps are kept.
create index dead_letters_unsettled on dead_letters (queue, failed_at) where retried_at is null;
create index gaps_by_reason on gaps (reason, recorded_at);
