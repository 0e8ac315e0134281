import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProfileEvent } from '@preflow/contract'
import { type Alert, type AlertOptions, alertMessages, isMailAddress, writeAlert } from './alert.ts'

const EMAIL = 'http://wso2.org/claims/emailaddress'
const EMAILS = 'http://wso2.org/claims/emailAddresses'
const DEPARTMENT = 'http://wso2.org/claims/department'
const NICKNAME = 'http://wso2.org/claims/nickname'

type Values = Record<string, string | string[]>

function event(requested: Values, stored: Values = {}, more: Partial<ProfileEvent> = {}): ProfileEvent {
  return {
    initiatorType: 'USER',
    action: 'UPDATE',
    request: { claims: Object.entries(requested).map(([uri, value]) => ({ uri, value })) },
    tenant: { id: '417', name: 'heron.example' },
    organization: { id: '5d0c', name: 'Heron' },
    user: { id: 'b1d2', claims: Object.entries(stored).map(([uri, value]) => ({ uri, value })) },
    ...more,
  }
}

const options: AlertOptions = {
  watched: [DEPARTMENT, EMAIL, EMAILS],
  emailClaims: [EMAIL, EMAILS],
  team: ['security@heron.example', 'soc@heron.example'],
  shown: [],
  tellsOfRefused: true,
}
const call = { outcome: 'allowed', requestId: 'r1', now: Date.UTC(2026, 10, 21, 10) } as const
type Call = Parameters<typeof alertMessages>[1]
const alertsOf = (what: ProfileEvent, how: Call = call, told = options) =>
  alertMessages(what, how, told).messages.map(({ recipient, content }) => ({
    recipient,
    alert: JSON.parse(content) as Alert,
  }))
const readersOf = (...parameters: Parameters<typeof alertsOf>) =>
  alertsOf(...parameters).map(({ recipient, alert }) => `${alert.audience} ${recipient}`)
const idsOf = (what: ProfileEvent, how: Call = call) => alertMessages(what, how, options).messages.map(({ id }) => id)

test('UC-11: everyone in the team gets an alert about the removal of a watched attribute', () => {
  for (const removed of ['', []]) {
    const alerts = alertsOf(event({ [DEPARTMENT]: removed }, { [DEPARTMENT]: 'Geology' }))
    assert.deepEqual(
      alerts.map(({ recipient }) => recipient),
      options.team,
    )
    assert.deepEqual(alerts[0]?.alert.changes, [{ uri: DEPARTMENT, kind: 'removed' }])
  }
})

test('an update without watched attributes creates no alert', () => {
  assert.deepEqual(alertsOf(event({ [NICKNAME]: 'Heron' }, { [EMAIL]: 'ines@heron.example' })), [])
})

test('every configured attribute counts, lists too', () => {
  const [first] = alertsOf(event({ [EMAILS]: ['a@heron.example'], [NICKNAME]: 'x', [DEPARTMENT]: 'HR' }))
  assert.deepEqual(first?.alert.changes, [
    { uri: EMAILS, kind: 'set' },
    { uri: DEPARTMENT, kind: 'set' },
  ])
})

test('UC-16: the previous address gets an alert about a changed e-mail address', () => {
  const what = event({ [EMAIL]: 'new@evil.example' }, { [EMAIL]: 'ines@heron.example' })
  assert.deepEqual(readersOf(what), [
    'team security@heron.example',
    'team soc@heron.example',
    'owner ines@heron.example',
  ])
  const removed = event({ [EMAIL]: '' }, { [EMAIL]: 'ines@heron.example' })
  assert.deepEqual(readersOf(removed).at(-1), 'owner ines@heron.example')
})

test('with a list of addresses, each existing one gets one alert about a change', () => {
  const what = event(
    { [EMAILS]: ['b@heron.example', 'new@evil.example'] },
    { [EMAIL]: 'A@heron.example', [EMAILS]: ['a@heron.example', 'b@heron.example'] },
  )
  assert.deepEqual(readersOf(what).slice(2), ['owner a@heron.example', 'owner b@heron.example'])
})

test('a previous address that is unknown or not an address is reported as missing', () => {
  const missing = (what: ProfileEvent) => alertMessages(what, call, options).lacksPreviousAddress
  assert.equal(missing(event({ [EMAIL]: 'new@heron.example' })), true)
  assert.equal(missing(event({ [EMAIL]: 'new@heron.example' }, { [EMAIL]: 'not an address' })), true)
  assert.equal(missing(event({ [EMAIL]: 'new@heron.example' }, { [EMAIL]: 'ines@heron.example' })), false)
  assert.equal(missing(event({ [DEPARTMENT]: 'HR' })), false)
})

test('only the team gets an alert about a refused update, and only if configured', () => {
  const what = event({ [EMAIL]: 'new@evil.example' }, { [EMAIL]: 'ines@heron.example' })
  const refused = { ...call, outcome: 'refused' } as const
  assert.deepEqual(readersOf(what, refused), ['team security@heron.example', 'team soc@heron.example'])
  assert.deepEqual(readersOf(what, refused, { ...options, tellsOfRefused: false }), [])
})

test('UC-13: the same call has the same ids; any difference gives other ids', () => {
  const what = event({ [DEPARTMENT]: 'HR' }, { [DEPARTMENT]: 'Geology' })
  assert.deepEqual(idsOf(what, { ...call, now: call.now + 9000 }), idsOf(what))
  assert.equal(new Set(idsOf(what)).size, 2, 'one for each recipient')
  const unnamed = { ...call, requestId: undefined }
  assert.deepEqual(idsOf(what, { ...unnamed, now: call.now + 9000 }), idsOf(what, unnamed))
  const others = [
    idsOf(what, { ...call, requestId: 'r2' }),
    idsOf(what, { ...call, requestId: undefined }),
    idsOf(what, { ...call, outcome: 'undecided' }),
    idsOf(event({ [DEPARTMENT]: 'Sales' }, { [DEPARTMENT]: 'Geology' })),
    idsOf(event({ [DEPARTMENT]: 'HR' }, { [DEPARTMENT]: 'Sales' })),
    idsOf(event({ [DEPARTMENT]: 'HR', [NICKNAME]: 'x' }, { [DEPARTMENT]: 'Geology' })),
    idsOf({ ...what, user: { ...what.user, id: 'other' } }),
    idsOf({ ...what, initiatorType: 'ADMIN' }),
    idsOf({ ...what, tenant: { id: '418', name: 'heron.example' } }),
  ]
  const all = [...idsOf(what), ...others.flat()]
  assert.equal(new Set(all).size, all.length)
})

test('a request id that a caller used before does not hide another change', () => {
  // Some platforms take their correlation id from a header of the client.
  const [first] = idsOf(event({ [EMAIL]: 'one@evil.example' }, { [EMAIL]: 'ines@heron.example' }))
  const [second] = idsOf(event({ [EMAIL]: 'two@evil.example' }, { [EMAIL]: 'ines@heron.example' }))
  assert.notEqual(first, second)
})

test('an alert stores no values, except those of shown attributes, and only for the team', () => {
  const what = event(
    { [EMAIL]: 'new@evil.example', [DEPARTMENT]: 'Hydrology' },
    { [EMAIL]: 'ines@heron.example', [DEPARTMENT]: 'Geology' },
  )
  assert.doesNotMatch(JSON.stringify(alertsOf(what).map(({ alert }) => alert)), /evil|ines|ology/)
  const shown = alertsOf(what, call, { ...options, shown: [DEPARTMENT, EMAIL] })
  assert.deepEqual(shown[0]?.alert.changes, [
    { uri: EMAIL, kind: 'changed', before: ['ines@heron.example'], after: ['new@evil.example'] },
    { uri: DEPARTMENT, kind: 'changed', before: ['Geology'], after: ['Hydrology'] },
  ])
  assert.deepEqual(shown.at(-1)?.alert.changes, [{ uri: EMAIL, kind: 'changed' }])
})

test('the mail to the team shows who requested what, and the result', () => {
  const [first] = alertsOf(event({ [DEPARTMENT]: 'HR', [EMAIL]: '' }, { [EMAIL]: 'ines@heron.example' }), {
    ...call,
    outcome: 'refused',
  })
  const { subject, text, html } = writeAlert(first?.alert as Alert)
  assert.equal(subject, 'Profile update refused: department, emailaddress')
  assert.equal(
    text,
    [
      'A user signed in to the account requested a change of watched attributes of a profile. The update was refused by the profile guard; nothing was stored.',
      '',
      'Details:',
      '- Time: 2026-11-21T10:00:00.000Z',
      '- Tenant: heron.example',
      '- Organization: Heron',
      '- User id: b1d2',
      '- Request id: r1',
      '',
      'Attributes:',
      '- department is set; no old value is known here',
      '- emailaddress is removed',
      '',
    ].join('\n'),
  )
  assert.match(html, /<li>emailaddress is removed<\/li>/)
})

test('the mail to the owner states what will happen and what to do, and contains no new address', () => {
  const what = event({ [EMAIL]: 'new@evil.example' }, { [EMAIL]: 'ines@heron.example' })
  const { subject, text } = writeAlert(alertsOf(what).at(-1)?.alert as Alert)
  assert.equal(subject, 'Your e-mail address at Heron is about to change')
  assert.match(text, /contact your administrator at once/)
  assert.doesNotMatch(text, /evil|b1d2/)
  const withoutOrganization = writeAlert({
    ...(alertsOf(what).at(-1)?.alert as Alert),
    organization: undefined as never,
  })
  assert.equal(withoutOrganization.subject, 'Your e-mail address at heron.example is about to change')
})

test('UC-15: every value becomes one clean line without markup, cut to a maximum length', () => {
  const hostile = `x@heron.example\r\nBcc: spy@evil.example\u2028\u202Egnp.exe<img src=x onerror="a('b')">${'y'.repeat(500)}`
  const [first] = alertsOf(
    event({ [EMAIL]: hostile }, {}, { organization: { id: '1', name: `Heron\r\nBcc: spy@evil.example<b>` } }),
    { ...call, requestId: 'r1\r\n<i>' },
    { ...options, shown: [EMAIL] },
  )
  const { subject, text, html } = writeAlert(first?.alert as Alert)
  const line = text.split('\n').find(candidate => candidate.startsWith('- emailaddress')) ?? ''
  assert.match(line, /^- emailaddress is set; no old value is known here; becomes "x@heron\.example Bcc: .{60,}…"$/)
  assert.ok(line.length < 200)
  for (const part of [subject, text, html]) {
    assert.doesNotMatch(part, /^Bcc:/m)
    assert.doesNotMatch(part, /[\r\u2028\u202E]/)
  }
  assert.doesNotMatch(html, /<img|<b>|<i>/)
  assert.match(html, /&lt;img src=x onerror=&quot;a\(&#39;b&#39;\)&quot;/)
})

test('the values of a list are separate', () => {
  const [first] = alertsOf(event({ [DEPARTMENT]: ['HR', 'Sales, East'] }, { [DEPARTMENT]: ['HR'] }), call, {
    ...options,
    shown: [DEPARTMENT],
  })
  assert.match(writeAlert(first?.alert as Alert).text, /department is changed; was "HR"; becomes "HR", "Sales, East"$/m)
  const [emptied] = alertsOf(event({ [DEPARTMENT]: [] }, { [DEPARTMENT]: ['HR'] }), call, {
    ...options,
    shown: [DEPARTMENT],
  })
  assert.match(writeAlert(emptied?.alert as Alert).text, /department is removed; was "HR"; becomes nothing$/m)
})

test('only one plain address is an address', () => {
  for (const good of [
    'ines@heron.example',
    'i.n+x@sub.heron.example',
    'ü@bücher.example',
    "o'neil@heron.example",
    'a@localhost',
  ]) {
    assert.equal(isMailAddress(good), true, good)
  }
  for (const bad of [
    '',
    'ines',
    '@heron.example',
    'ines@',
    'a@heron.example, spy@evil.example',
    'a@heron.example;spy@evil.example',
    'Ines <a@heron.example>',
    'a@heron.example\r\nBcc: spy@evil.example',
    'a b@heron.example',
    '"a b"@heron.example',
    'a@b@heron.example',
    'a@-heron.example',
    `${'a'.repeat(65)}@heron.example`,
    `a@${'b'.repeat(260)}`,
  ]) {
    assert.equal(isMailAddress(bad), false, bad)
  }
})
