-- An envelope that is delivered several times, to two instances with one nonce store, is accepted at most once.
-- The numbers are seconds; what is written as @NAME@ is filled in by at-most-once.mjs.

const
  W: @W@;            -- window: how far ahead a timestamp may be
  A: @A@;            -- greatest age, at least W
  B: @B@;            -- from the look at the clock to the claim: slow bodies, slow registries
  SKEW: @SKEW@;      -- by how much the clocks of the instances differ
  TTL: @TTL@;        -- how long a claim is kept
  ATOMIC: @ATOMIC@;  -- whether looking and claiming is one step
  FREED: @FREED@;    -- whether a claim may be given back after the envelope was handled
  MADE: W + SKEW;    -- the timestamp; at time 0 the fast instance just takes it
  LAST: MADE + A + B + 1;

type
  copy: 1 .. 2;
  seconds: 0 .. LAST;

var
  now: seconds;
  held: boolean;
  held_until: 0 .. LAST + TTL;
  accepted: 0 .. 3;
  state: array [copy] of enum { waiting, checked, looked, over };
  head: array [copy] of seconds;  -- when the clock was looked at

function is_held(): boolean; begin return held & now < held_until; end;

procedure claim(c: copy); begin
  held := true;
  held_until := now + TTL;
  accepted := accepted + 1;
  state[c] := over;
end;

startstate begin
  now := 0;
  held := false;
  held_until := 0;
  accepted := 0;
  for c: copy do state[c] := waiting; head[c] := 0; end;
end;

rule "time passes"
  now < LAST & forall c: copy do (state[c] = checked | state[c] = looked) -> now < head[c] + B end
==> begin
  now := now + 1;
end;

ruleset c: copy; fast: boolean do
  rule "a copy arrives, and its timestamp is good"
    state[c] = waiting
    & MADE <= now + (fast ? SKEW : 0) + W
    & now + (fast ? SKEW : 0) <= MADE + A
  ==> begin
    state[c] := checked;
    head[c] := now;
  end;
end;

ruleset c: copy do
  rule "its nonce is claimed, or was"
    ATOMIC & state[c] = checked
  ==> begin
    if is_held() then state[c] := over; else claim(c); end;
  end;

  rule "mutation: it is looked up"
    !ATOMIC & state[c] = checked
  ==> begin
    if is_held() then state[c] := over; else state[c] := looked; end;
  end;

  rule "mutation: and claimed later"
    !ATOMIC & state[c] = looked
  ==> begin
    claim(c);
  end;
end;

rule "mutation: the claim is given back"
  FREED & held
==> begin
  held := false;
end;

invariant "at most once" accepted <= 1;
cover "once" accepted = 1;
