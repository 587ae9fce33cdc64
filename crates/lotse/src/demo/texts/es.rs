//! Spanish.

use super::Topic::{Account, Billing, Delivery, Order, Product, Returns};
use super::{Phrases, Problem, Topic};

const fn about(topic: Topic, subject: &'static str, body: &'static str) -> Problem {
    Problem {
        topic,
        subject,
        body,
    }
}

pub(super) const PHRASES: Phrases = Phrases {
    first_names: &[
        "Ana", "Carlos", "Elena", "Hugo", "Irene", "Javier", "Laura", "Manuel", "Noelia", "Pablo",
        "Rosa", "Sergio",
    ],
    last_names: &[
        "Alonso",
        "Blanco",
        "Cano",
        "Domínguez",
        "Herrera",
        "Iglesias",
        "Molina",
        "Navarro",
        "Prieto",
        "Rubio",
        "Santos",
        "Vega",
    ],
    problems: &[
        about(
            Order,
            "Cambiar el color del pedido {order}",
            "Hola, pedí la Tern 4 en verde por error. ¿Se puede cambiar el pedido {order} a negro?",
        ),
        about(
            Order,
            "El pedido {order} sigue sin confirmar",
            "Pagué hace dos días y no he recibido la confirmación de {order}. ¿Ha llegado el pago?",
        ),
        about(
            Order,
            "Añadir un candado al pedido",
            "¿Podrían añadir el candado plegable al pedido {order} antes de enviarlo?",
        ),
        about(
            Order,
            "Cancelar el pedido {order}",
            "Por favor, cancelen {order}. Mi empresa me da una bicicleta.",
        ),
        about(
            Delivery,
            "¿Dónde está mi paquete?",
            "El seguimiento del pedido {order} no se mueve desde el lunes. ¿Dónde está?",
        ),
        about(
            Delivery,
            "La caja llegó dañada",
            "El repartidor dejó la bicicleta con la caja rota y la horquilla doblada. Pedido {order}. ¿Qué hago?",
        ),
        about(
            Delivery,
            "Entregar en otra dirección",
            "Nos mudamos esta semana. ¿Puede ir {order} a la dirección nueva?",
        ),
        about(
            Delivery,
            "El repartidor no llamó",
            "La nota dice que no había nadie, pero estuve en casa todo el día. ¿Cuándo vuelven con {order}?",
        ),
        about(
            Returns,
            "El cuadro es demasiado grande",
            "Quisiera cambiar el cuadro L del pedido {order} por una M. ¿Cómo se hace?",
        ),
        about(
            Returns,
            "¿Cuánto tiempo tengo para devolverla?",
            "Compré una Tern 2 hace cuatro semanas y no es para mí. ¿Todavía puedo devolver {order}?",
        ),
        about(
            Returns,
            "No se imprime la etiqueta",
            "La página de la etiqueta de devolución de {order} se queda en blanco.",
        ),
        about(
            Returns,
            "Pedales equivocados",
            "En la caja venían otros pedales, no los que pedí ({order}).",
        ),
        about(
            Account,
            "No puedo entrar en la aplicación",
            "La aplicación dice que no conoce mi correo, pero recibo ahí su boletín.",
        ),
        about(
            Account,
            "Dos cuentas, una bicicleta",
            "Parece que tengo dos cuentas y la bicicleta está en la otra. ¿Pueden unirlas?",
        ),
        about(
            Account,
            "Cambiar mi correo electrónico",
            "He cambiado de proveedor y necesito mi cuenta con el correo nuevo.",
        ),
        about(
            Account,
            "El código no llega",
            "Pido un código para entrar y no llega nada, tampoco al correo no deseado.",
        ),
        about(
            Billing,
            "Cobrado dos veces: {order}",
            "Mi banco muestra dos cobros del pedido {order}. Devuelvan uno, por favor.",
        ),
        about(
            Billing,
            "Factura con NIF",
            "Nuestra contabilidad necesita la factura de {order} con nuestro NIF.",
        ),
        about(
            Billing,
            "El reembolso no ha llegado",
            "Confirmaron el reembolso de {order} hace nueve días y no está en mi cuenta.",
        ),
        about(
            Billing,
            "No se cobró la cuota",
            "No cobraron la cuota de este mes y ahora recibo avisos de impago.",
        ),
        about(
            Product,
            "La batería baja del 60 % a cero",
            "Desde la última actualización la batería de mi Tern 4 baja del 60 % a cero en un kilómetro.",
        ),
        about(
            Product,
            "Error E21 en la pantalla",
            "La pantalla muestra E21 y el motor ya no ayuda. Reiniciar no sirve.",
        ),
        about(
            Product,
            "El motor se corta en las cuestas",
            "Cuesta arriba el motor se para unos segundos y vuelve. Con tráfico me da miedo.",
        ),
        about(
            Product,
            "La aplicación no encuentra mi bicicleta",
            "El Bluetooth está encendido, la bicicleta también, y la aplicación busca sin fin.",
        ),
    ],
    replies: &[
        "Hola, {name}: gracias por escribir. Lo estoy mirando y le digo algo enseguida.",
        "Hola, {name}: ya veo lo que ha pasado. Pregunto un momento en el almacén.",
        "Hola, {name}: lo siento mucho. Estoy en ello.",
    ],
    questions: &[
        "Hola, {name}: ¿podría enviarme una foto de la etiqueta debajo del cuadro?",
        "Hola, {name}: ¿qué versión muestra la aplicación en Ajustes?",
        "Hola, {name}: ¿sigue siendo correcta la dirección del pedido?",
        "Hola, {name}: ¿cuáles son las cuatro últimas cifras del pago?",
    ],
    answers: &[
        "Claro, es esta: KB-4471-09. ¿Sirve?",
        "Pone 3.8.1, la actualicé ayer.",
        "Sí, es esa. Hay un timbre en la verja.",
        "4402, pagado el día tres.",
    ],
    solutions: &[
        "Hola, {name}: ya está hecho. Recibirá la confirmación por correo en una hora.",
        "Hola, {name}: lo he corregido. Por favor, reinicie la aplicación una vez.",
        "Hola, {name}: el repuesto va de camino, esta noche le llega el enlace.",
        "Hola, {name}: el importe está devuelto y le llega en tres días como mucho.",
    ],
    thanks: &["¡Muchas gracias!", "¡Gracias por la ayuda!"],
    again: &[
        "Por desgracia ha vuelto: esta mañana, exactamente lo mismo.",
        "Me dijeron que estaba hecho, pero no ha llegado nada. Mírenlo otra vez, por favor.",
    ],
    praise: &[
        "Rápido, amable y resuelto. Así debe ser.",
        "A la primera, con alguien que sabía de qué hablaba.",
        "No esperaba una respuesta tan rápida.",
        "Bien explicado, funcionó enseguida.",
    ],
    complaints: &[
        "Tuve que explicar lo mismo tres veces.",
        "Tardaron horas en contestar.",
        "Muy amables, pero el problema sigue ahí.",
        "Me mandaron de un departamento a otro.",
    ],
};
