-- A request in a session that is delivered several times, and an envelope that takes its place: at most one of them is carried out.
-- The numbers are seconds; what is written as @NAME@ is filled in by supersede.mjs. How often the envelope itself is accepted is
-- the matter of at-most-once.m.

const
  W: @W@;            -- window: how far a timestamp may be from the clock
  B: @B@;            -- from the look at the clock to the claim: slow bodies, slow stores
  SKEW: @SKEW@;      -- by how much the clocks of the instances differ
  TTL: @TTL@;        -- how long a claim is kept
  MADE: @MADE@;      -- the timestamp of the request
  CLAIMS: @CLAIMS@;  -- whether requests claim their number
  ATOMIC: @ATOMIC@;  -- whether looking and claiming is one step
  TAKES: @TAKES@;    -- whether the envelope claims the number of the request
  LOOKS: @LOOKS@;    -- whether it is looked at how old the request is whose place it takes
  LOSES: @LOSES@;    -- whether the store of numbers loses everything, once
  COLD: @COLD@;      -- whether it refuses then what was made before
  OVER: MADE + W + B;
  LAST: OVER + TTL + 1;

type
  form: enum { copy_a, copy_b, envelope };
  seconds: 0 .. LAST;

var
  now: seconds;
  held: boolean;
  held_until: 0 .. LAST + TTL;
  carried_out: 0 .. 4;
  lost: boolean;
  since: seconds;
  state: array [form] of enum { waiting, checked, looked, over };
  head: array [form] of seconds;  -- when the clock was looked at

function is_held(): boolean; begin return held & now < held_until; end;
function is_cold(): boolean; begin return COLD & lost & MADE < since; end;
function claims(f: form): boolean; begin return f = envelope ? TAKES : CLAIMS; end;

procedure carry_out(f: form); begin
  if claims(f) then held := true; held_until := now + TTL; end;
  carried_out := carried_out + 1;
  state[f] := over;
end;

startstate begin
  now := 0;
  held := false;
  held_until := 0;
  carried_out := 0;
  lost := false;
  since := 0;
  for f: form do state[f] := waiting; head[f] := 0; end;
end;

rule "time passes"
  now < LAST & forall f: form do (state[f] = checked | state[f] = looked) -> now < head[f] + B end
==> begin
  now := now + 1;
end;

rule "the store loses everything"
  LOSES & !lost & now > 0
==> begin
  lost := true;
  held := false;
  since := now;
end;

ruleset f: form; fast: boolean do
  rule "it arrives, and the time of the request is good"
    state[f] = waiting
    & ((f = envelope & !LOOKS)
       | (MADE <= now + (fast ? SKEW : 0) + W & now + (fast ? SKEW : 0) <= MADE + W))
  ==> begin
    state[f] := checked;
    head[f] := now;
  end;
end;

ruleset f: form do
  rule "the number is claimed, or was"
    ATOMIC & state[f] = checked
  ==> begin
    if claims(f) & (is_held() | is_cold()) then state[f] := over; else carry_out(f); end;
  end;

  rule "mutation: it is looked up"
    !ATOMIC & state[f] = checked
  ==> begin
    if is_held() then state[f] := over; else state[f] := looked; end;
  end;

  rule "mutation: and claimed later"
    !ATOMIC & state[f] = looked
  ==> begin
    carry_out(f);
  end;
end;

invariant "at most once" carried_out <= 1;
cover "by the request" carried_out = 1 & state[envelope] = waiting;
cover "by the envelope" carried_out = 1 & state[copy_a] = waiting & state[copy_b] = waiting;
