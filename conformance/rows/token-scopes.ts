import assert from 'node:assert/strict'
import { differs, row, type Section } from '../row.ts'
import { USER_SCOPES } from '../stage.ts'
import { assertVerdicts, leadsTo, machineEdit, user, userDiffers, userEdit } from './token-edits.ts'
import { AT, issued, named, op } from './tokens.ts'

const GRANTED = ['cart.read', 'openid', 'orders.write']
const ADDED = 'Scope added.'
const REMOVED = 'Scope removed.'
const REPLACED = 'Scope replaced.'
const FAILED = 'Failed to remove scope.'
const INVALID_INDEX = 'Invalid index.'
const INVALID = 'Scope exists or is invalid.'
const USE_SCOPES_PATH = 'The operation path is invalid for the scope. Please use the path /accessToken/scopes/'

const removeAll = [op('-S/0'), op('-S/1'), op('-S/2')]

export const scopes: Section = {
  title: 'Access token: scopes',
  rows: [
    userEdit('T67', '`+S/-=billing.read`: 4 scopes', [op('+S/-', 'billing.read')], {
      log: [ADDED],
      scopes: [...GRANTED, 'billing.read'],
    }),
    userEdit('T68', '`+S/-=a`, `+S/-=b`, `+S/-=c`: all added', [op('+S/-', 'a'), op('+S/-', 'b'), op('+S/-', 'c')], {
      log: [ADDED, ADDED, ADDED],
      scopes: [...GRANTED, 'a', 'b', 'c'],
    }),
    userEdit('T69', '`+S/0=z`: appended', [op('+S/0', 'z')], { log: [ADDED], scopes: [...GRANTED, 'z'] }),
    userEdit('T70', '`+S/3=z`: unchanged', [op('+S/3', 'z')], { log: [INVALID_INDEX] }),
    userEdit('T71', '`+S/-=x`, `+S/3=z`: both, by the current size', [op('+S/-', 'x'), op('+S/3', 'z')], {
      log: [ADDED, ADDED],
      scopes: [...GRANTED, 'x', 'z'],
    }),
    userEdit('T72', '`+S/-=cart.read`: unchanged', [op('+S/-', 'cart.read')], { log: [INVALID] }),
    userEdit(
      'T73',
      '`+S/-` "read write", "café", "", "a\\b": unchanged',
      ['read write', 'caf\u00e9', '', 'a\\b'].map(value => op('+S/-', value)),
      { log: [INVALID, INVALID, INVALID, INVALID] },
    ),
    userEdit('T74', '`+S/=x`: unchanged', [op('+S/', 'x')], { log: [INVALID_INDEX] }),
    userEdit(
      'T75',
      '`+S/-=7` (number): scope `7`',
      [op('+S/-', 7)],
      { log: [ADDED], scopes: [...GRANTED, '7'] },
      userDiffers('a scope must be a string', [op('+S/-', 7)], { log: ['Scope must be a string.'] }),
    ),
    userEdit('T76', '`-S/-`: orders.write removed', [op('-S/-')], { log: [REMOVED], scopes: ['cart.read', 'openid'] }),

    row('T77', '`-S/1`: openid removed, no ID token', async stage => {
      await leadsTo(user, [op('-S/1')], { log: [REMOVED], scopes: ['cart.read', 'orders.write'] })(stage)
      const { body } = issued(await stage.redeem(stage.web, USER_SCOPES))
      assert.equal(body.id_token, undefined)
    }),

    userEdit('T78', '`-S/2`, `-S/1`: only cart.read', [op('-S/2'), op('-S/1')], {
      log: [REMOVED, REMOVED],
      scopes: ['cart.read'],
    }),
    userEdit('T79', '`-S/0`, `-S/1`: only orders.write', [op('-S/0'), op('-S/1')], {
      log: [REMOVED, REMOVED],
      scopes: ['orders.write'],
    }),
    userEdit('T80', '`-S/0`, `-S/0`: the second fails', [op('-S/0'), op('-S/0')], {
      log: [REMOVED, FAILED],
      scopes: ['openid', 'orders.write'],
    }),
    userEdit('T81', '`-S/-` with a value: the last removed', [op('-S/-', ['x', 'y'])], {
      log: [REMOVED],
      scopes: ['cart.read', 'openid'],
    }),
    userEdit('T82', '`-S/9`, `-S/-1`: unchanged', [op('-S/9'), op('-S/-1')], { log: [INVALID_INDEX, INVALID_INDEX] }),
    userEdit('T83', '`~S/1=profile`: cart.read, orders.write, profile', [op('~S/1', 'profile')], {
      log: [REPLACED],
      scopes: ['cart.read', 'orders.write', 'profile'],
    }),
    userEdit('T84', '`~S/0=openid`: unchanged', [op('~S/0', 'openid')], { log: ['Scope already exists.'] }),
    userEdit('T85', '`~S/-=x`, `-S/-`: x stays', [op('~S/-', 'x'), op('-S/-')], {
      log: [REPLACED, FAILED],
      scopes: ['cart.read', 'openid', 'x'],
    }),
    userEdit('T86', '`+S/-=n1`, `~S/0=n1`: n1 twice', [op('+S/-', 'n1'), op('~S/0', 'n1')], {
      log: [ADDED, REPLACED],
      scopes: ['n1', 'n1', 'openid', 'orders.write'],
    }),
    machineEdit('T87', 'F-CC `-S/0`: nothing to remove', [op('-S/0')], { log: ['No scopes to remove.'] }),
    machineEdit('T88', 'F-CC `~S/-=x`: nothing to replace', [op('~S/-', 'x')], { log: ['No scopes.'] }),
    machineEdit('T89', 'F-CC `+S/-=jobs.run`: scope jobs.run', [op('+S/-', 'jobs.run')], {
      log: [ADDED],
      scopes: ['jobs.run'],
    }),
    machineEdit('T90', 'F-CC `+S/0=jobs.run`: unchanged', [op('+S/0', 'jobs.run')], { log: [INVALID_INDEX] }),

    row(
      'T91',
      'all three removed: token without scope, response with the original ones',
      async stage => {
        stage.extension(AT).succeed(...removeAll)
        const answer = issued(await user.issue(stage))
        await assertVerdicts(stage, answer, [REMOVED, REMOVED, REMOVED])
        assert.equal(answer.accessToken?.['scope'], undefined)
        assert.equal(answer.body.scope, 'cart.read openid orders.write')
      },
      differs(
        'the response lists the scopes of the token: none',
        leadsTo(user, removeAll, { log: [REMOVED, REMOVED, REMOVED], scopes: [] }),
      ),
    ),

    userEdit(
      'T92',
      '`+C/-` named scope with a list: no scope, no claim, a hint',
      [op('+C/-', named('scope', ['a', 'b']))],
      { log: [USE_SCOPES_PATH] },
    ),
    userEdit('T93', '`+C/-` named SCOPE: the same', [op('+C/-', named('SCOPE', 'a'))], { log: [USE_SCOPES_PATH] }),
  ],
}
