/** An address that a token request comes from, and what token-guard decides about it in the lab. */
export interface DemoAddress {
  address: string
  /** What the address is. */
  is: string
  /** What token-guard decides. */
  gets: string
}

/** From the best reputation to the worst. */
export const demoAddresses: { [Name in 'good' | 'doubtful' | 'blocked']: DemoAddress } = {
  good: { address: '205.210.31.51', is: 'An address with a good reputation', gets: 'The token is valid for an hour.' },
  doubtful: {
    address: '14.102.69.58',
    is: 'A doubtful address',
    gets: 'The token is valid for 15 minutes in working hours (09:00 to 16:59 UTC), otherwise for 5.',
  },
  blocked: { address: '175.45.176.0', is: 'An address in a blocked country', gets: 'No token is issued.' },
}
