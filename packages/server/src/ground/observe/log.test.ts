import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'

function lines() {
  const written: string[] = []
  return { written, destination: { write: (line: string) => void written.push(line) } }
}

test('secrets are replaced everywhere in the facts of a line', () => {
  const { written, destination } = lines()
  const log = createLog('info', destination)
  log.info(
    { password: 'hunter2', request: { headers: { authorization: 'Basic aGk=' }, refresh_token: 'rt-1' } },
    'said',
  )
  log.info({ client: { clientSecret: 's3cret' }, callId: 'c-1' }, 'said')
  const text = written.join('')
  for (const secret of ['hunter2', 'aGk=', 'rt-1', 's3cret']) assert(!text.includes(secret), secret)
  assert.match(text, /"callId":"c-1"/)
})

test('an error is serialized, and secrets in its members are replaced', () => {
  const { written, destination } = lines()
  const cause = Object.assign(new TypeError('The peer closed the connection.'), { request: { cookie: 'c00kie' } })
  createLog('info', destination).error({ err: cause, tries: [{ secret: 's3cret' }], at: new Date(0) }, 'said')
  const { err, tries, at } = JSON.parse(written[0] ?? '')
  assert.deepEqual([err.type, err.message, err.request], ['TypeError', cause.message, { cookie: '[redacted]' }])
  assert.match(err.stack, /log\.test\.ts/)
  assert.deepEqual([tries, at], [[{ secret: '[redacted]' }], '1970-01-01T00:00:00.000Z'])
})

test('a line is one JSON object with its time, and lines below the level are not written', () => {
  const { written, destination } = lines()
  const log = createLog('warn', destination)
  log.info('not serious')
  log.warn({ callId: 'c-1' }, 'serious')
  assert.equal(written.length, 1)
  const { time, msg, callId } = JSON.parse(written[0] ?? '')
  assert.deepEqual([msg, callId], ['serious', 'c-1'])
  assert(Math.abs(Date.parse(time) - Date.now()) < 60_000)
})

test('silent writes nothing', () => {
  const { written, destination } = lines()
  createLog('silent', destination).fatal('gone')
  assert.deepEqual(written, [])
})
