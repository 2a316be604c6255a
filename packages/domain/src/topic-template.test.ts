import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  filterProblem,
  filtersOverlap,
  parseTopicTemplate,
  readTopic,
  type TopicTemplate,
} from './topic-template.ts';

const DEFAULT = 'roboticks/{organization}/{project}/{device}/#';

function template(text = DEFAULT): TopicTemplate {
  const parsed = parseTopicTemplate(text, ['commands', 'cmd', 'down']);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

describe('reading a topic', () => {
  test('a topic names its owner', () => {
    expect(readTopic(template(), 'roboticks/acme/arm/r2-d2/telemetry/x')).toEqual({
      organization: 'acme',
      project: 'arm',
      device: 'r2-d2',
      outbound: false,
    });
  });

  test.each(['commands', 'cmd', 'down'])('%s after the device means outbound', (name) => {
    expect(readTopic(template(), `roboticks/a/p/d/${name}/x`)).toMatchObject({ outbound: true });
    expect(readTopic(template(), `roboticks/a/p/d/${name}`)).toMatchObject({ outbound: true });
    expect(readTopic(template(), `roboticks/a/p/d/x/${name}`)).toMatchObject({ outbound: false });
    expect(readTopic(template(), `roboticks/a/p/${name}/x`)).toMatchObject({ outbound: false });
  });

  test('the device alone is a topic of its own, for # matches its parent too', () => {
    expect(readTopic(template(), 'roboticks/a/p/d')).toMatchObject({ device: 'd' });
  });

  test.each([
    ['roboticks/a/p', 'topic_outside_template'],
    ['other/a/p/d/x', 'topic_outside_template'],
    ['', 'topic_outside_template'],
    ['roboticks//p/d/x', 'empty_segment'],
    ['roboticks/a//d', 'empty_segment'],
    ['roboticks/a/p//x', 'empty_segment'],
    ['roboticks/a/p /d/x', 'invalid_name'],
    ['roboticks/a/p/d\u0000/x', 'invalid_name'],
    [`roboticks/a/p/${'d'.repeat(129)}/x`, 'invalid_name'],
  ])('%j is refused: %s', (topic, reason) => {
    expect(readTopic(template(), topic)).toBe(reason);
  });

  test('whatever follows the decisive segments changes nothing', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(name, name, name, fc.string(), fc.string(), (o, p, d, tail, other) => {
        const prefix = `roboticks/${o}/${p}/${d}/cmd/`;
        expect(readTopic(template(), prefix + tail)).toEqual(readTopic(template(), prefix + other));
      }),
    );
  });

  test('no topic makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (topic) => {
        readTopic(template(), topic);
        readTopic(template(), `roboticks/${topic}`);
      }),
    );
  });

  test('a closed template takes no longer topic, and a missing organization is default', () => {
    const closed = template('t/{project}/+/state');
    expect(readTopic(closed, 't/p/any/state')).toEqual({
      organization: 'default',
      project: 'p',
      outbound: false,
    });
    expect(readTopic(closed, 't/p/any/state/more')).toBe('topic_outside_template');
    expect(readTopic(closed, 't/p/any/other')).toBe('topic_outside_template');
  });
});

describe('a template', () => {
  test('gives the filter that matches it', () => {
    expect(template().filter).toBe('roboticks/+/+/+/#');
    expect(template('t/{project}/+/state').filter).toBe('t/+/+/state');
  });

  test.each([
    ['roboticks/{organization}/#', 'no {project}'],
    ['a//{project}', 'empty segment'],
    ['a/{project}/{project}', 'twice'],
    ['a/{porject}/#', '"{porject}"'],
    ['#/{project}', '"#"'],
    ['$SYS/{project}', '$'],
  ])('%s is refused', (text, problem) => {
    expect(parseTopicTemplate(text, [])).toEqual(expect.stringContaining(problem));
  });
});

describe('the filter of one instance', () => {
  test.each(['roboticks/+/+/+/#', 'roboticks/acme/+/+/#', 'roboticks/+/+/+/up', 'roboticks/a/p/d'])(
    '%s is within the template',
    (filter) => {
      expect(filterProblem(template(), filter)).toBeUndefined();
    },
  );

  test.each([
    '#',
    'roboticks/#',
    'roboticks/+/+/#',
    'roboticks/+/+',
    'x/+/+/+/#',
    'roboticks/a+/p/d',
    'roboticks/a/#/d',
    'roboticks//p/d',
  ])('%s is not', (filter) => {
    expect(filterProblem(template(), filter)).toEqual(expect.any(String));
  });
});

describe('two filters', () => {
  test.each([
    ['a/b/#', 'a/b/#'],
    ['a/+/c', 'a/b/+'],
    ['a/#', 'a'],
    ['a/#', 'a/b/c'],
    ['+/+/#', 'x/y/z'],
  ])('%s and %s overlap, either way round', (one, other) => {
    expect(filtersOverlap(one, other)).toBe(true);
    expect(filtersOverlap(other, one)).toBe(true);
  });

  test.each([
    ['a/b/#', 'a/c/#'],
    ['a/+', 'a/b/c'],
    ['a/b', 'a'],
    ['a/+/c', 'a/b/d'],
  ])('%s and %s do not', (one, other) => {
    expect(filtersOverlap(one, other)).toBe(false);
    expect(filtersOverlap(other, one)).toBe(false);
  });
});
