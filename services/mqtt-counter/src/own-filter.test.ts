import { describe, expect, test } from '@jest/globals';
import { parseTopicTemplate } from '@odometer/domain/topic-template';
import { type FilterSettings, filterProblems, ownFilter } from './own-filter.ts';

const template = parseTopicTemplate('roboticks/{organization}/{project}/{device}/#', ['down']);
if (typeof template === 'string') throw new Error(template);

const ACME = 'roboticks/acme/+/+/#';
const OTHER = 'roboticks/other/+/+/#';

const settings = (given: Partial<FilterSettings>): FilterSettings => ({
  clientId: 'odometer-mqtt-counter-1',
  filter: undefined,
  filters: undefined,
  ...given,
});

describe('a counter subscribes to', () => {
  test('all without a filter', () => {
    expect(ownFilter(settings({}), template)).toBe('roboticks/+/+/+/#');
  });

  test('its one filter', () => {
    expect(ownFilter(settings({ filter: ACME }), template)).toBe(ACME);
  });

  test('the filter of its number among those of all', () => {
    const filters = `${ACME}, ${OTHER}`;
    expect(ownFilter(settings({ filters }), template)).toBe(OTHER);
    expect(ownFilter(settings({ filters, clientId: 'a-0' }), template)).toBe(ACME);
    expect(filterProblems(settings({ filters }), template)).toEqual([]);
  });
});

test.each<[Partial<FilterSettings>, RegExp]>([
  [{ filter: ACME, filters: OTHER }, /exclude each other/],
  [{ filter: '#' }, /^ODOMETER_MQTT_FILTER: the filter is wider/],
  [{ filters: `${ACME},elsewhere/+/+/+/#` }, /FILTERS: "elsewhere.*outside the template/],
  [{ filters: `${ACME},` }, /"" is outside the template/],
  [{ filters: `${ACME},roboticks/+/rover/+/#` }, /overlap: messages would count twice/],
  [{ filters: ACME }, /of 1 filter\(s\) none is that of odometer-mqtt-counter-1/],
  [{ filters: `${ACME},${OTHER}`, clientId: 'counter' }, /should end with its number, -0 to -1/],
])('%j is refused', (given, problem) => {
  expect(filterProblems(settings(given), template).join()).toMatch(problem);
});
