import { expect, test } from 'vitest';
import { settingsChange } from '../../../src/local/proxy/session-settings.ts';

test.each([
  [{}, {}, ''],
  [{ TimeZone: 'UTC' }, { TimeZone: 'UTC' }, ''],
  [{}, { TimeZone: 'UTC' }, "SET TimeZone TO E'UTC'"],
  [{ TimeZone: 'UTC' }, {}, 'RESET TimeZone; set a.b = 1'],
  [
    { TimeZone: 'UTC', DateStyle: 'ISO' },
    { DateStyle: 'ISO' },
    "RESET TimeZone; set a.b = 1; SET DateStyle TO E'ISO'",
  ],
  [{}, { application_name: "a'; drop\\" }, "SET application_name TO E'a''; drop\\\\'"],
])('from %j to %j', (from, to, sql) => {
  expect(settingsChange(from, to, 'set a.b = 1')).toBe(sql);
});
