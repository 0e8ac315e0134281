/** An address from which somebody asks for a token, and what token-guard makes of it in the lab. */
export interface DemoAddress {
  address: string
  /** Who is behind it. */
  is: string
  /** What comes of it. */
  gets: string
}

/** From the best to the worst. */
export const demoAddresses: { [Name in 'good' | 'doubtful' | 'blocked']: DemoAddress } = {
  good: { address: '205.210.31.51', is: 'An address with a good reputation', gets: 'The token lives an hour.' },
  doubtful: {
    address: '14.102.69.58',
    is: 'A doubtful address',
    gets: 'The token lives 15 minutes in working hours (09:00 to 16:59 UTC) and 5 outside of them.',
  },
  blocked: { address: '175.45.176.0', is: 'An address in a blocked country', gets: 'No token is issued.' },
}
