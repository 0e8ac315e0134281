import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddressGuard } from './address-guard.ts'

const special = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '100::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'fc00::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  'not an address',
]
const open = ['1.1.1.1', '203.0.114.1', '2606:4700::1111', '::ffff:1.1.1.1']

test('without a policy only public addresses may be called', () => {
  const mayCall = createAddressGuard({})
  assert.deepEqual(special.filter(mayCall), [])
  assert.deepEqual(open.filter(mayCall), open)
})

test('allowed ranges may be called too, even if an IPv4 address is written as IPv6', () => {
  const mayCall = createAddressGuard({ allowedAddresses: ['10.1.0.0/16', 'fc00::/8'] })
  const callable = ['10.1.2.3', '::ffff:10.1.2.3', 'fc00::1', '1.1.1.1']
  assert.deepEqual(callable.filter(mayCall), callable)
  assert.deepEqual(['10.2.0.1', '127.0.0.1', 'fd00::1'].filter(mayCall), [])
})

test('the operator may allow every address', () => {
  assert.equal(createAddressGuard({ allowPrivateAddresses: true })('127.0.0.1'), true)
})

test('an invalid range is rejected by name', () => {
  assert.throws(
    () => createAddressGuard({ allowedAddresses: ['10.0.0.0'] }),
    /allowedAddresses: 10\.0\.0\.0 is not a CIDR range/,
  )
})
