import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readService } from '@preflow/extension/service'
import { profileGuard } from './service.ts'

const enough = {
  PROFILE_GUARD_CALLER: 'api-key',
  PROFILE_GUARD_CALLER_SECRETS: 'k'.repeat(20),
  PROFILE_GUARD_ALERT_TO: 'security@heron.example, soc@heron.example',
  PROFILE_GUARD_ALERT_FROM: 'Preflow alerts <alerts@heron.example>',
  PROFILE_GUARD_SMTP_HOST: 'mail.heron.example',
}
function problemsOf(environment: Record<string, string>): string {
  const read = readService(profileGuard, { environment: { ...enough, ...environment } })
  return read.ok ? '' : read.problems.join('\n')
}

test('a caller, a team, a sender and a mail server are enough', () => {
  const read = readService(profileGuard, { environment: enough })
  assert.ok(read.ok)
  assert.deepEqual(read.configuration.alertTo, ['security@heron.example', 'soc@heron.example'])
  assert.equal(read.configuration.smtpSecurity, 'starttls')
  assert.ok(read.configuration.watchedClaims.includes('http://wso2.org/claims/mobileNumbers'))
})

test('alerts are on unless they are explicitly switched off', () => {
  const nothing = { PROFILE_GUARD_ALERT_TO: '', PROFILE_GUARD_ALERT_FROM: '', PROFILE_GUARD_SMTP_HOST: '' }
  assert.equal(
    problemsOf(nothing),
    ['ALERT_TO', 'ALERT_FROM', 'SMTP_HOST']
      .map(name => `PROFILE_GUARD_${name}: missing. Alerts need it; PROFILE_GUARD_ALERTS=off sends none.`)
      .join('\n'),
  )
  assert.equal(problemsOf({ ...nothing, PROFILE_GUARD_ALERTS: 'off' }), '')
  const elsewhere = { PROFILE_GUARD_ALERT_DELIVERY: 'elsewhere', PROFILE_GUARD_SMTP_HOST: '' }
  assert.equal(problemsOf(elsewhere), '', 'an instance that does not send needs no mail server')
})

test('it does not start without the secret of its caller', () => {
  assert.match(problemsOf({ PROFILE_GUARD_CALLER_SECRETS: '' }), /CALLER_SECRETS: missing\. api-key needs a secret/)
})

test('a password for the mail server is never sent unencrypted', () => {
  const credentials = { PROFILE_GUARD_SMTP_USER: 'guard', PROFILE_GUARD_SMTP_PASSWORD: 's3cret' }
  assert.equal(problemsOf(credentials), '')
  for (const security of ['none', 'opportunistic']) {
    assert.match(
      problemsOf({ ...credentials, PROFILE_GUARD_SMTP_SECURITY: security }),
      /^PROFILE_GUARD_SMTP_SECURITY: must be tls or starttls, because with \w+ the password could be sent unencrypted\.$/,
    )
  }
  assert.match(
    problemsOf({ PROFILE_GUARD_SMTP_USER: 'guard' }),
    /^PROFILE_GUARD_SMTP_PASSWORD: missing\. User name and/,
  )
  assert.match(problemsOf({ PROFILE_GUARD_SMTP_PORT: 'smtp' }), /^PROFILE_GUARD_SMTP_PORT: /)
})

test('invalid rules are reported with their position', () => {
  assert.match(
    problemsOf({ PROFILE_GUARD_RULES: '[{"claim":"http://wso2.org/claims/department","pattern":"(?!x)y"}]' }),
    /^PROFILE_GUARD_RULES: 0\.pattern: must be an RE2 pattern/,
  )
  assert.match(problemsOf({ PROFILE_GUARD_RULES: '[{' }), /^PROFILE_GUARD_RULES: must be a list/)
})

test('an invalid directory configuration is rejected at start', () => {
  const url = 'https://directory.example/departments/{value}'
  const claims = 'http://wso2.org/claims/department'
  assert.equal(problemsOf({ PROFILE_GUARD_DIRECTORY_URL: url, PROFILE_GUARD_DIRECTORY_CLAIMS: claims }), '')
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_URL: url }), /DIRECTORY_CLAIMS: missing\. The directory and/)
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_CLAIMS: claims }), /DIRECTORY_URL: missing\. The directory and/)
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_URL: 'https://{value}.example' }), /after the host/)
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_TIMEOUT_MS: '2800' }), /must be below PROFILE_GUARD_BUDGET_MS/)
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_ABSENT_STATUSES: '404,200' }), /must not repeat 200/)
  assert.match(problemsOf({ PROFILE_GUARD_DIRECTORY_FOUND_STATUSES: 'ok' }), /DIRECTORY_FOUND_STATUSES: /)
})

test('invalid addresses, and values that would never be shown, are rejected', () => {
  assert.match(problemsOf({ PROFILE_GUARD_ALERT_TO: 'security' }), /ALERT_TO: 0: must be a plain address/)
  assert.match(problemsOf({ PROFILE_GUARD_ALERT_FROM: 'Alerts' }), /ALERT_FROM: must be like/)
  assert.match(
    problemsOf({ PROFILE_GUARD_SHOWN_CLAIMS: 'http://wso2.org/claims/department' }),
    /SHOWN_CLAIMS: department would never be shown\. Add it to PROFILE_GUARD_WATCHED_CLAIMS\./,
  )
})
