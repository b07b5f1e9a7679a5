/* Files of the sources as constants of the program: style sheets, scripts and pages, which stay files that an editor knows.
 *
 * WA_ASSET(name, "src/folder/file") at the top of a .c file, then wa_asset_text(name) gives its bytes. The path is relative to where make
 * runs; the Makefile compiles the .c file again when an asset beside it changes. */
#ifndef WA_BASE_ASSET_H
#define WA_BASE_ASSET_H

#include "wordahead.h"

/* The assembler puts the file between two labels; C sees them as arrays of a size it is not told. */
#define WA_ASSET(name, path)                                                                                                       \
    __asm__(".pushsection .rodata\n"                                                                                               \
            "wa_asset_" #name ": .incbin \"" path "\"\n"                                                                           \
            "wa_asset_" #name "_end: .byte 0\n"                                                                                    \
            ".popsection\n");                                                                                                      \
    extern const char wa_asset_##name[], wa_asset_##name##_end[]

#define wa_asset_text(name) ((wa_text){ wa_asset_##name, (size_t)(wa_asset_##name##_end - wa_asset_##name) })

#endif
