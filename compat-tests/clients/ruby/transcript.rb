# What the Ruby programs share: they play scenarios and print what they saw, one JSON object a line.
# Called as `ruby PROGRAM URL [SCENARIO...]`; without names all scenarios are played, in their order.
# Each scenario's lines end with `ended` or with `error`, whatever the library does.
require 'digest'
require 'json'

BROKER_URL, *WANTED = ARGV

# 1 MiB, the same in every language.
LARGE_BODY = '0123456789abcdef' * 65_536

# Asks for a restart of the broker, and returns when it is up again.
def broker_restart(say)
  say.call(waiting: true)
  $stdin.gets
end

def play(scenarios)
  $stdout.sync = true
  scenarios.each do |scenario, run|
    next unless WANTED.empty? || WANTED.include?(scenario)

    say = ->(seen) { puts JSON.generate({ scenario: scenario, **seen }) }
    begin
      run.call(say)
      say.call(ended: true)
    rescue Exception => e # Bunny's own errors are not all StandardErrors
      say.call(error: e.full_message(highlight: false))
    end
  end
end
