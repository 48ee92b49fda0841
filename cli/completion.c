/* `kubelambda completion`: what makes a shell ask the binary itself (complete.c) what a word may become. */
#include "cli/cli.h"
#include "common/base/mem.h"

#include <stddef.h>
#include <stdio.h>

struct options {
    struct option_list shells;
    bool help;
};

static const struct option_row rows[] = {
    {"help", 'h', NULL, OPTION_SWITCH, offsetof(struct options, help), NULL, "this text"},
};

const struct option_table cli_completion_table = {
    .usage = "kubelambda completion bash|zsh|fish",
    .before = "Prints what makes a shell complete kubelambda's commands and options.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .takes_operands = true,
    .operands = offsetof(struct options, shells),
    .after = "Examples:\n"
             "  source <(kubelambda completion bash)            # in ~/.bashrc\n"
             "  source <(kubelambda completion zsh)             # in ~/.zshrc, after compinit\n"
             "  kubelambda completion fish | source             # in ~/.config/fish/config.fish",
};

static const struct {
    const char *shell, *script;
} scripts[] = {
    /* bash takes "--output=json" for three words. */
    {"bash", "_kubelambda() {\n"
             "\tlocal words=() lines=() word cur=${COMP_WORDS[COMP_CWORD]}\n"
             "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD}\"; do\n"
             "\t\t[[ $word == = ]] || words+=(\"$word\")\n"
             "\tdone\n"
             "\t[[ $cur != = ]] || { cur=''; words+=(''); }\n"
             "\tmapfile -t lines < <(\"${COMP_WORDS[0]}\" __complete \"${words[@]}\" 2>/dev/null)\n"
             "\tif [[ ${lines[-1]} == :0 ]]; then\n"
             "\t\tcompopt -o filenames\n"
             "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
             "\telse\n"
             "\t\tunset 'lines[-1]'\n"
             "\t\tCOMPREPLY=(\"${lines[@]%%$'\\t'*}\")\n"
             "\tfi\n"
             "}\n"
             "complete -F _kubelambda kubelambda\n"},
    {"zsh",
     "#compdef kubelambda\n"
     "_kubelambda() {\n"
     "\tlocal -a lines offered\n"
     "\tlocal line\n"
     "\tlines=(\"${(@f)$(\"${words[1]}\" __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
     "\tfor line in \"${(@)lines[1,-2]}\"; do\n"
     "\t\toffered+=(\"${${line//:/\\\\:}/$'\\t'/:}\")\n"
     "\tdone\n"
     "\tif [[ ${lines[-1]} == :0 ]]; then _files; else _describe kubelambda offered; fi\n"
     "}\n"
     "if [[ ${funcstack[1]} == _kubelambda ]]; then _kubelambda; else compdef _kubelambda kubelambda; fi\n"},
    {"fish", "function __kubelambda_complete\n"
             "\tset -l words (commandline -opc)\n"
             "\tset -l lines (command $words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null)\n"
             "\tif test \"$lines[-1]\" = :0\n"
             "\t\t__fish_complete_path (commandline -ct)\n"
             "\telse\n"
             "\t\tprintf '%s\\n' $lines[1..-2]\n"
             "\tend\n"
             "end\n"
             "complete -c kubelambda -f -a '(__kubelambda_complete)'\n"},
};

static int print(const struct options *options, struct err *err)
{
    const char *shell = options->shells.count == 1 ? options->shells.items[0] : "";

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (str_equal(shell, scripts[i].shell)) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    return err_set(err, ERR_INVALID, "name the shell: kubelambda completion bash, zsh or fish");
}

int cli_completion(int argc, char **argv)
{
    struct options options = {0};
    struct err err;
    int r = options_parse(&cli_completion_table, argc, argv, &options, &err);

    if (r == 0 && options.help)
        options_help(&cli_completion_table);
    else if (r == 0)
        r = print(&options, &err);
    if (r < 0)
        fprintf(stderr, "kubelambda completion: %s\n", err.msg);
    option_list_done(&options.shells);
    return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
}
