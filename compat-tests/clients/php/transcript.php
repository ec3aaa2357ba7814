<?php
// What the PHP programs share: they play scenarios and print what they saw, one JSON object a line.
// Called as `php PROGRAM URL [SCENARIO...]`; without names all scenarios are played, in their order.
// Each scenario's lines end with `ended` or with `error`, whatever the library does.

define('BROKER', parse_url($argv[1]));
define('WANTED', array_slice($argv, 2));

// 1 MiB, the same in every language.
define('LARGE_BODY', str_repeat('0123456789abcdef', 65536));

/** @param array<string, callable> $scenarios */
function play(array $scenarios): void
{
    foreach ($scenarios as $scenario => $run) {
        if (WANTED !== [] && !in_array($scenario, WANTED, true)) {
            continue;
        }
        $say = function (array $seen) use ($scenario): void {
            echo json_encode(['scenario' => $scenario] + $seen, JSON_THROW_ON_ERROR), "\n";
        };
        try {
            $run($say);
            $say(['ended' => true]);
        } catch (Throwable $error) {
            $say(['error' => (string) $error]);
        }
    }
}

/** Asks for a restart of the broker, and returns when it is up again. */
function brokerRestart(callable $say): void
{
    $say(['waiting' => true]);
    fgets(STDIN);
}
