import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConnector } from './connector.ts'
import { startSocketServer } from './extension-under-test.fixture.ts'

test('an open connection to an address that may not be called is closed before a byte is sent', async t => {
  const closed = Promise.withResolvers<number>()
  const { port } = await startSocketServer(t, socket => {
    socket.resume()
    socket.on('close', () => closed.resolve(socket.bytesRead))
  })
  // As after a second resolution between the check and the connection: the first answer was allowed.
  const answers = [true]
  const connector = createConnector({ mayCall: () => answers.shift() ?? false })
  const target = { hostname: '127.0.0.1', host: `127.0.0.1:${port}`, protocol: 'http:', port: String(port) }
  const error = await new Promise<Error | null>(resolve => connector.connect(target, (error, _) => resolve(error)))
  assert.equal((error as NodeJS.ErrnoException | null)?.code, 'address_refused')
  assert.equal(await closed.promise, 0)
})
