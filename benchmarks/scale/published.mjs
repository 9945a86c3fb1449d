/** What the xLink white papers report, with what they say of the circumstances. Times in ms. */
export const PUBLISHED = {
  storm: {
    agents: 500,
    perSecond: 100,
    message: { last: 91, share: 1 },
    token: { last: 54_800, share: 0.974 },
  },
  /** An orchestrator and five sub-agents with six calls each: 31 proofs a minute make 310 in ten. */
  workflow: {
    perMinute: 31,
    lifetimeMinutes: 60,
    events: [
      { minutes: 10, token: 310, message: 310 },
      { minutes: 120, token: 9_300, message: 3_720 },
      { minutes: 300, token: 37_200, message: 9_300 },
    ],
  },
  hops: { hops: 11, rtt: 10, message: 1_110, token: 4_173, messageProof: 0.36, tokenOverhead: 3_067 },
};
