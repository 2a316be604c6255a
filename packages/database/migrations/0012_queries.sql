-- Queries over raw events measure them by the rule by which they were counted (packages/domain/src/decimal.ts and
-- value-path.ts, services/stats-worker/src/measure-event.ts). A test holds both equal, event by event.

alter table meters drop constraint meter_aggregation_is_known;
alter table meters add constraint meter_aggregation_is_known
  check (aggregation in ('sum', 'count', 'avg', 'min', 'max', 'latest', 'unique_count'));

-- What text is worth; null: it is no quantity. Everything is checked before it becomes numeric, which refuses what is too
-- long with an error. White space is what JavaScript trims.
create function text_quantity(value text) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
  parts text[] := regexp_match(
    btrim(value, E' \t\n\x0B\f\r\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF'),
    '^([+-]?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$'
  );
  digits text;
  significant text;
  coefficient text;
  power integer;
begin
  if parts is null then
    return null;
  end if;
  digits := parts[2] || coalesce(parts[3], '');
  significant := rtrim(digits, '0');
  coefficient := ltrim(significant, '0');
  if coefficient = '' then
    return 0;
  end if;
  power := coalesce(parts[4], '0')::integer - coalesce(length(parts[3]), 0) + length(digits) - length(significant);
  if length(coefficient) + power > 30 or power < -12 then
    return null;
  end if;
  return (parts[1] || coefficient || 'e' || power)::numeric;
end
$$;

-- What an event is worth to a meter, by its data and the path of the meter's value; null: nothing. A number came through a
-- double: beyond 2^53, or with more than 15 digits, nobody knows what was sent. In PL/pgSQL, because a function in SQL would
-- be inlined, and the path be walked again wherever the value is needed.
create function event_quantity(data jsonb, path jsonpath, when_missing numeric) returns numeric
language plpgsql immutable parallel safe as $$
declare
  value jsonb := jsonb_path_query_first(data, path, '{}', true);
  number numeric;
begin
  if value is null then
    return when_missing;
  end if;
  case jsonb_typeof(value)
    when 'number' then
      number := value;
      if number = trunc(number) then
        return case when abs(number) <= 9007199254740991 then number end;
      end if;
      return case
        when min_scale(number) <= 12
          and length(ltrim(replace(abs(trim_scale(number))::text, '.', ''), '0')) <= 15
          then number
      end;
    when 'string' then
      return text_quantity(value #>> '{}');
    else
      return null;
  end case;
end
$$;
